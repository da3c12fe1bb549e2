#include "serving/release_holder.hpp"

#include <algorithm>
#include <iterator>

namespace lodestone::serving {

void ReleaseHolder::set(ReleasePointer next) {
  const std::lock_guard lock(mutex_);
  if (current_) retired_.push_back(std::move(current_));
  current_ = std::move(next);
  generation_.fetch_add(1, std::memory_order_release);
}

ReleasePointer ReleaseHolder::get() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

void ReleaseHolder::collect() {
  std::vector<ReleasePointer> unused;  // destroyed after the lock is given back
  const std::lock_guard lock(mutex_);
  const auto in_use =
      std::stable_partition(retired_.begin(), retired_.end(), [](const ReleasePointer& one) { return one.use_count() > 1; });
  unused.assign(std::make_move_iterator(in_use), std::make_move_iterator(retired_.end()));
  retired_.erase(in_use, retired_.end());
}

std::size_t ReleaseHolder::n_retired() const {
  const std::lock_guard lock(mutex_);
  return retired_.size();
}

void ReleaseReader::refresh() {
  const std::lock_guard lock(holder_->mutex_);
  generation_ = holder_->generation_.load(std::memory_order_relaxed);
  release_ = holder_->current_;  // the former is still held by retired_, so nothing is unmapped here
}

}  // namespace lodestone::serving
