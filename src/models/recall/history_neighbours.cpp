#include "models/recall/history_neighbours.hpp"

#include <algorithm>
#include <cmath>

namespace lodestone::models {
namespace {

constexpr std::uint32_t kNoHistory = 0xFFFFFFFF;
/// Distances up to this many reaches count: exp(-6) is .0025.
constexpr double kReaches = 6;

}  // namespace

HistoryNeighbours::HistoryNeighbours(const Sequences& sequences, const HistoryNeighboursOptions& options)
    : n_items_(sequences.n_items),
      offsets_(sequences.offsets.begin(), sequences.offsets.end()),
      items_(sequences.items.begin(), sequences.items.end()) {
  if (offsets_.empty()) offsets_.push_back(0);
  // Two passes, as for any transpose; of an item's repeats in one history the last place stands.
  item_offsets_.assign(n_items_ + 1, 0);
  std::vector<std::uint32_t> last(n_items_, kNoHistory);
  for (std::size_t r = 0; r + 1 < offsets_.size(); ++r) {
    std::size_t distinct = 0;
    for (std::uint64_t p = offsets_[r]; p < offsets_[r + 1]; ++p) {
      const auto item = static_cast<std::size_t>(items_[p]);
      if (last[item] == r) continue;
      last[item] = static_cast<std::uint32_t>(r);
      ++item_offsets_[item + 1];
      ++distinct;
    }
    length_factor_.push_back(1.0F / std::sqrt(static_cast<float>(std::max<std::size_t>(1, distinct))));
  }
  for (std::size_t i = 0; i < n_items_; ++i) item_offsets_[i + 1] += item_offsets_[i];
  histories_.resize(item_offsets_.back());
  places_.resize(item_offsets_.back());
  std::fill(last.begin(), last.end(), kNoHistory);
  std::vector<std::uint64_t> next(item_offsets_.begin(), item_offsets_.end() - 1);
  for (std::size_t r = 0; r + 1 < offsets_.size(); ++r) {
    for (std::uint64_t p = offsets_[r]; p < offsets_[r + 1]; ++p) {
      const auto item = static_cast<std::size_t>(items_[p]);
      const std::uint64_t at = last[item] == r ? next[item] - 1 : next[item]++;
      last[item] = static_cast<std::uint32_t>(r);
      histories_[at] = static_cast<std::uint32_t>(r);
      places_[at] = static_cast<std::uint32_t>(p - offsets_[r]);
    }
  }
  set_options(options);
}

void HistoryNeighbours::set_options(const HistoryNeighboursOptions& options) {
  options_ = options;
  distance_factor_.clear();
  for (std::size_t d = 0; static_cast<double>(d) <= kReaches * options.reach; ++d) {
    distance_factor_.push_back(options.reach > 0 ? static_cast<float>(std::exp(-static_cast<double>(d) / options.reach)) : 1.0F);
  }
  item_factor_.resize(n_items_);
  target_factor_.resize(n_items_);
  for (std::size_t i = 0; i < n_items_; ++i) {
    const auto n = static_cast<double>(std::max<std::uint64_t>(1, item_offsets_[i + 1] - item_offsets_[i]));
    item_factor_[i] = static_cast<float>(std::pow(n, -options.item_exponent));
    target_factor_[i] = static_cast<float>(std::pow(n, -options.target_exponent));
  }
}

void HistoryNeighbours::find_similar(std::span<const ItemIndex> history, Scratch& scratch) const {
  float weight = 1;
  for (std::size_t k = history.size(); k-- > 0; weight *= static_cast<float>(options_.decay)) {
    const auto item = static_cast<std::size_t>(history[k]);
    // A repeat counts where it is newest.
    if (item >= n_items_ || (options_.decay < 1 && std::find(history.begin() + static_cast<std::ptrdiff_t>(k) + 1, history.end(),
                                                             history[k]) != history.end())) {
      continue;
    }
    const std::uint64_t end = item_offsets_[item + 1];
    std::uint64_t at = item_offsets_[item];
    if (options_.max_histories > 0 && end - at > options_.max_histories) at = end - options_.max_histories;
    const float mine = weight * item_factor_[item];
    for (; at < end; ++at) {
      const std::uint32_t row = histories_[at];
      if (scratch.similarity[row] == 0) {
        scratch.touched.push_back(row);
        scratch.place[row] = places_[at];
      }
      scratch.similarity[row] += mine;
    }
  }
}

void HistoryNeighbours::keep_nearest(Scratch& scratch) const {
  for (const std::uint32_t row : scratch.touched) scratch.similarity[row] *= length_factor_[row];
  if (options_.neighbors == 0 || scratch.touched.size() <= options_.neighbors) return;
  const auto kept = static_cast<std::ptrdiff_t>(options_.neighbors);
  // Of equally near ones the newer, whose number is higher.
  std::nth_element(
      scratch.touched.begin(), scratch.touched.begin() + kept, scratch.touched.end(), [&](std::uint32_t a, std::uint32_t b) {
        return scratch.similarity[a] != scratch.similarity[b] ? scratch.similarity[a] > scratch.similarity[b] : a > b;
      });
  for (std::size_t k = options_.neighbors; k < scratch.touched.size(); ++k) scratch.similarity[scratch.touched[k]] = 0;
  scratch.touched.resize(options_.neighbors);
}

void HistoryNeighbours::add_scores(std::span<const ItemIndex> history, Scratch& scratch, std::span<float> scores) const {
  scratch.similarity.resize(length_factor_.size(), 0);
  scratch.place.resize(length_factor_.size());
  scratch.touched.clear();
  if (options_.recent > 0 && history.size() > options_.recent) history = history.last(options_.recent);
  find_similar(history, scratch);
  keep_nearest(scratch);
  std::sort(scratch.touched.begin(), scratch.touched.end());  // sums do not depend on the order of selection
  for (const std::uint32_t row : scratch.touched) {
    const float similarity = scratch.similarity[row];
    scratch.similarity[row] = 0;
    const std::uint64_t begin = offsets_[row];
    const std::uint64_t end = offsets_[row + 1];
    for (std::uint64_t p = begin; p < end; ++p) {
      const auto item = static_cast<std::size_t>(items_[p]);
      const float weight = similarity * target_factor_[item];
      if (options_.reach == 0) {
        scores[item] += weight;
        continue;
      }
      const std::uint64_t here = p - begin;
      const std::uint64_t shared = scratch.place[row];
      const std::uint64_t distance = here > shared ? here - shared : shared - here;
      if (distance < distance_factor_.size()) scores[item] += weight * distance_factor_[distance];
    }
  }
}

}  // namespace lodestone::models
