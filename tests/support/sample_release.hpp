#pragma once
// Random releases of any size, the same for the same seed: for property tests, for tests that need some bundle, and for benchmarks.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/file.hpp"
#include "bundle/bundle.hpp"
#include "models/release.hpp"

namespace lodestone::test {

struct SampleOptions {
  std::size_t n_items = 60;
  std::size_t n_users = 20;
  std::size_t n_neighbours = 10;  ///< longest list of the item-to-item models
  std::size_t history_max = 12;   ///< longest history of a user
  std::size_t n_categories = 5;
  std::size_t n_tastes = 1;  ///< groups of items; lists and histories stay within a group, 1 = anything goes with anything
  double list_share = 0.8;   ///< items that have lists, 1 gives every item a list of n_neighbours
  double available_share = 0.9;
  std::uint64_t seed = 1;
};

/// Items 10, 13, 16, ... titled "weather data 3" and the like in English and Chinese, some without price, category, tags or times; users
/// 100, 102, ...; every list best first. The text index holds the tokens of the titles.
models::ReleaseData sample_release(const SampleOptions& options = {});

/// The vector channel from vectors [n, factors] of at most 15 factors, searched by scanning.
models::OwnedLatentVectors latent_of(std::span<const float> rows, std::size_t factors, models::OwnedNeighbours neighbours);

/// Created 2026-11-24T09:30:00Z, some metrics.
bundle::BundleInfo sample_info();

/// A release as serving has it: packed into a temporary folder and opened.
class SampleBundle {
 public:
  explicit SampleBundle(const models::ReleaseData& data)
      : bundle_(bundle::Bundle::open(folder_.path() / bundle::pack(data, sample_info(), folder_.path()))) {}
  [[nodiscard]] const models::Release& release() const { return bundle_->release(); }

 private:
  TemporaryFolder folder_;
  std::shared_ptr<const bundle::Bundle> bundle_;
};

}  // namespace lodestone::test
