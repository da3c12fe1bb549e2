#pragma once
// The ids of the newest events, by which one that is sent again is known.

#include <absl/container/flat_hash_set.h>

#include <cstddef>
#include <cstdint>

namespace lodestone::serving {

/// Knows at least the last `n` ids and at most twice as many, about 20 bytes each. One thread.
class KnownIds {
 public:
  explicit KnownIds(std::size_t n) : n_(n) {}

  /// False when it is known already.
  bool insert(std::uint64_t id) { return !older_.contains(id) && newer_.insert(id).second; }
  /// Takes back an id that was inserted since the last turn().
  void erase(std::uint64_t id) { newer_.erase(id); }
  /// Lets go of the oldest when there are enough newer ones.
  void turn() {
    if (newer_.size() < n_) return;
    older_ = std::move(newer_);
    newer_ = {};
  }

 private:
  std::size_t n_;
  absl::flat_hash_set<std::uint64_t> newer_;
  absl::flat_hash_set<std::uint64_t> older_;
};

}  // namespace lodestone::serving
