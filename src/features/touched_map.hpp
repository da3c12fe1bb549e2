#pragma once
// Values by id that grow with what is posted, of which anybody can make up as many as there are numbers. Internal to features/online_state.

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace lodestone::features {

/// Those that were kept stay. Of the others, newcomers, the last `newcomers / 2` that were touched are there and at most `newcomers`. One thread
/// writes; many may read while none does.
template <typename Id, typename Value>
class TouchedMap {
 public:
  explicit TouchedMap(std::size_t newcomers) : half_(std::max<std::size_t>(1, newcomers / 2)) {}

  void reserve(std::size_t n) { kept_.reserve(n); }
  /// False when it is kept already.
  bool keep(Id id, Value value) { return kept_.emplace(id, std::move(value)).second; }
  /// The value that is kept, new if need be.
  Value& keep(Id id) { return kept_[id]; }
  /// Any value, new if need be, then that of a newcomer.
  Value& touch(Id id) {
    if (const auto found = kept_.find(id); found != kept_.end()) return found->second;
    if (const auto found = newer_.find(id); found != newer_.end()) return found->second;
    auto from_older = older_.extract(id);
    if (newer_.size() >= half_) older_ = std::exchange(newer_, {});
    return from_older ? newer_.insert(std::move(from_older)).position->second : newer_[id];
  }
  [[nodiscard]] const Value* find(Id id) const {
    for (const Map* map : {&kept_, &newer_, &older_}) {
      if (const auto found = map->find(id); found != map->end()) return &found->second;
    }
    return nullptr;
  }
  [[nodiscard]] Value* find(Id id) { return const_cast<Value*>(std::as_const(*this).find(id)); }

  /// Calls `what` with each id and value.
  template <typename What>
  void each(const What& what) const {
    for (const Map* map : {&kept_, &newer_, &older_}) {
      for (const auto& [id, value] : *map) what(id, value);
    }
  }

 private:
  using Map = absl::flat_hash_map<Id, Value>;
  std::size_t half_;
  Map kept_;
  Map newer_;
  Map older_;
};

}  // namespace lodestone::features
