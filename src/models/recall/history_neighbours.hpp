#pragma once
// Recall from the histories that are nearest to this one. Over sets of users it is user-kNN; over ordered sessions, with weights that fall
// with age and with distance, it is session kNN as in V-SKNN (Ludewig, Jannach, UMUAI 2018) and STAN (Garg et al., SIGIR 2019).

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "models/interactions.hpp"

namespace lodestone::models {

struct HistoryNeighboursOptions {
  std::size_t neighbors = 100;  ///< nearest histories that have a say
  double decay = 1;             ///< weight of an item of the query history: decay^age, the newest 1
  std::size_t recent = 0;       ///< items of the query history that count; 0 = all
  double reach = 0;             ///< in a neighbour, an item d places from the shared one counts exp(-d / reach); 0 = all count 1
  double item_exponent = 0;     ///< a shared item counts n_i^-this, n = histories with it
  double target_exponent = 0;   ///< a score is multiplied by n_i^-this
  std::size_t max_histories = 0;  ///< newest histories of an item that are looked at; 0 = all
};

/// Const after it is made, safe from many threads; each call needs a scratch of its own.
class HistoryNeighbours {
 public:
  /// Memory of a call, kept between calls so that they allocate nothing.
  struct Scratch {
    std::vector<float> similarity;     ///< [n_histories], zero between calls
    std::vector<std::uint32_t> place;  ///< [n_histories]: where the newest shared item stands in the neighbour
    std::vector<std::uint32_t> touched;
  };

  HistoryNeighbours() = default;
  /// Keeps a copy of the sequences and, for each item, where it stands. Memory: 12 bytes an event.
  HistoryNeighbours(const Sequences& sequences, const HistoryNeighboursOptions& options);

  void set_options(const HistoryNeighboursOptions& options);
  [[nodiscard]] const HistoryNeighboursOptions& options() const { return options_; }

  /// scores[i] += sum over the nearest histories of similarity * the item's weight in them; similarity = sum of the shared items' weights /
  /// sqrt(length of the neighbour). `history` oldest first (any order when decay is 1 and recent 0). Items out of range are passed over.
  void add_scores(std::span<const ItemIndex> history, Scratch& scratch, std::span<float> scores) const;

 private:
  void find_similar(std::span<const ItemIndex> history, Scratch& scratch) const;
  void keep_nearest(Scratch& scratch) const;

  HistoryNeighboursOptions options_;
  std::size_t n_items_ = 0;
  std::vector<std::uint64_t> offsets_{0};
  std::vector<ItemIndex> items_;
  std::vector<std::uint64_t> item_offsets_;  ///< of the two below
  std::vector<std::uint32_t> histories_;     ///< that hold the item, ascending, each once
  std::vector<std::uint32_t> places_;        ///< last place of the item in it
  std::vector<float> length_factor_;         ///< 1 / sqrt(distinct items), by history
  std::vector<float> item_factor_;           ///< n_i^-item_exponent
  std::vector<float> target_factor_;         ///< n_i^-target_exponent
  std::vector<float> distance_factor_;       ///< exp(-d / reach)
};

}  // namespace lodestone::models
