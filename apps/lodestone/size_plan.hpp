#pragma once
// What a catalogue of a given size needs, before anything is read: for `lodestone plan`, and for training, which keeps to its memory budget by it.
// The coefficients come from runs of the whole pipeline on simulated marketplaces of 2 k to 100 k items and 0.2 to 10 M events
// (docs/operations.md, "How large a machine").

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/config.hpp"

namespace lodestone::app {

struct CatalogueSize {
  std::uint64_t items = 0;
  std::uint64_t events = 0;
  std::uint64_t pairs = 0;   ///< different (person, item) among the events; 0 = estimated from them
  std::uint64_t people = 0;  ///< users and guests with events; 0 = estimated from the pairs
};

/// The settings that decide the need.
struct SizeSettings {
  std::size_t neighbors = 100;
  std::size_t max_ease_items = 6000;
  bool with_slim = true;
  bool with_ranker = true;
  std::size_t vector_factors = 64;
  std::uint64_t sql_memory_bytes = 1ULL << 30U;
  friend bool operator==(const SizeSettings&, const SizeSettings&) = default;
};

SizeSettings size_settings(const Config& config);

/// Bytes; of memory the peak of the stage's process.
struct SizePlan {
  std::uint64_t lake = 0;     ///< disk
  std::uint64_t bundle = 0;   ///< disk, of each release that is kept
  std::uint64_t extract = 0;  ///< memory of extract with build
  std::uint64_t train = 0;    ///< memory
  std::uint64_t serve = 0;    ///< memory, most of it the mapped bundle
};
SizePlan plan_size(const CatalogueSize& size, const SizeSettings& settings);

/// Settings under which training stays within a budget, and a sentence for each that had to change.
struct BudgetedSettings {
  SizeSettings settings;
  std::uint64_t max_pairs = 0;  ///< newest pairs that can be learned from; 0 = all
  std::vector<std::string> sentences;
};
/// First the dense linear model goes, then the sparse one, the rankers and the vectors, each only where that saves memory, then lists get shorter (not below
/// 20), then the oldest pairs are left out. Throws invalid_argument when not even a tenth of the pairs would fit, naming the budget that would do.
BudgetedSettings fit_to_budget(const CatalogueSize& size, const SizeSettings& settings, std::uint64_t budget_bytes);

}  // namespace lodestone::app
