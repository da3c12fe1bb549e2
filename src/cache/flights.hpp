#pragma once
// Single flight: who asks for what is being fetched already waits for that fetch.

#include <absl/container/flat_hash_map.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace lodestone::cache {

/// One thread.
template <typename Value>
class Flights {
 public:
  using Waiter = std::function<void(const Value&)>;

  /// True for the first, who fetches and calls land(); the waiter is called then, as those of all who joined meanwhile.
  bool join(const std::string& key, Waiter waiter) {
    std::vector<Waiter>& waiters = flights_[key];
    waiters.push_back(std::move(waiter));
    return waiters.size() == 1;
  }
  void land(const std::string& key, const Value& value) {
    auto node = flights_.extract(key);
    if (node.empty()) return;
    for (const Waiter& waiter : node.mapped()) waiter(value);
  }
  [[nodiscard]] std::size_t size() const { return flights_.size(); }

 private:
  absl::flat_hash_map<std::string, std::vector<Waiter>> flights_;
};

}  // namespace lodestone::cache
