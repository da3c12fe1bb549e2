#pragma once
// A value that is replaced while requests read it: one pointer, swapped whole.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <iterator>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace lodestone::serving {

/// Safe from many threads. What was replaced is destroyed in collect(), never on a thread that answers requests.
template <typename T>
class Published {
 public:
  using Pointer = std::shared_ptr<const T>;

  void set(Pointer next) {
    const std::lock_guard lock(mutex_);
    if (current_) retired_.push_back(std::move(current_));
    current_ = std::move(next);
    generation_.fetch_add(1, std::memory_order_release);
  }
  /// nullptr before the first set().
  [[nodiscard]] Pointer get() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }

  /// Destroys replaced values that no thread holds any more.
  void collect() {
    std::vector<Pointer> unused;  // destroyed after the lock is given back
    const std::lock_guard lock(mutex_);
    const auto in_use =
        std::stable_partition(retired_.begin(), retired_.end(), [](const Pointer& one) { return one.use_count() > 1; });
    unused.assign(std::make_move_iterator(in_use), std::make_move_iterator(retired_.end()));
    retired_.erase(in_use, retired_.end());
  }
  /// Replaced values that are not destroyed yet.
  [[nodiscard]] std::size_t n_retired() const {
    const std::lock_guard lock(mutex_);
    return retired_.size();
  }

  /// One thread's view: costs one atomic load while the value stays the same, where std::atomic<std::shared_ptr> would make all threads
  /// write to one count.
  class Reader {
   public:
    explicit Reader(const Published& from) : from_(&from) {}

    /// The value now, nullptr when there is none. Valid until the next call on this reader.
    const T* current() {
      if (from_->generation_.load(std::memory_order_acquire) != generation_) [[unlikely]]
        refresh();
      return value_.get();
    }

    /// What current() gave last, for who needs it longer.
    [[nodiscard]] const Pointer& hold() const { return value_; }

   private:
    void refresh() {
      const std::lock_guard lock(from_->mutex_);
      generation_ = from_->generation_.load(std::memory_order_relaxed);
      value_ = from_->current_;  // the former is still held by retired_, so nothing is destroyed here
    }

    const Published* from_;
    std::uint64_t generation_ = 0;
    Pointer value_;
  };

 private:
  mutable std::mutex mutex_;
  Pointer current_;
  std::vector<Pointer> retired_;
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace lodestone::serving
