#pragma once
// Rows of items brought up to date, kept by the thread that made them: lists that are made within one second share most of their candidates.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.hpp"

namespace lodestone::engine {

/// A table of one thread where each item has one place, which the next item that falls there takes over. Memory: kSlots rows.
class ItemRows {
 public:
  /// What a row was made from. The same again is the same row.
  struct Stamp {
    std::uint64_t state = 0;    ///< OnlineState::serial(), never 0
    std::uint32_t changes = 0;  ///< OnlineState::changes()
    ItemIndex item = 0;
    std::int64_t second = 0;  ///< since 1970
    bool operator==(const Stamp&) const = default;
  };
  struct Place {
    std::span<float> row;  ///< until the next make_room() or at()
    bool is_kept = false;  ///< else the caller is to fill it
  };

  /// Rows have up to `n_columns` from now on.
  void make_room(std::size_t n_columns) {
    if (n_columns <= width_) return;
    width_ = n_columns;
    stamps_.assign(kSlots, {});
    values_.resize(kSlots * width_);
  }

  /// Has the memory of a place come closer.
  void call(std::uint64_t state, ItemIndex item) const {
    const std::size_t slot = slot_of(state, item);
    __builtin_prefetch(&stamps_[slot]);
    const float* row = values_.data() + slot * width_;
    constexpr std::size_t kLine = 64 / sizeof(float);
    for (std::size_t at = 0; at < width_; at += kLine) __builtin_prefetch(row + at);
  }

  Place at(const Stamp& stamp) {
    const std::size_t slot = slot_of(stamp.state, stamp.item);
    const bool is_kept = stamps_[slot] == stamp;
    if (!is_kept) stamps_[slot] = stamp;
    return {std::span(values_).subspan(slot * width_, width_), is_kept};
  }

 private:
  static constexpr std::size_t kSlots = 4096;

  /// Releases lie apart, so that two which answer in turn do not drive each other out.
  static std::size_t slot_of(std::uint64_t state, ItemIndex item) {
    return (static_cast<std::size_t>(item) + state * (kSlots / 2 + 1)) % kSlots;
  }

  std::size_t width_ = 0;
  std::vector<Stamp> stamps_;
  std::vector<float> values_;
};

}  // namespace lodestone::engine
