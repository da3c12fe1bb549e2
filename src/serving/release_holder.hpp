#pragma once
// The release that answers requests: one pointer, swapped while requests run. A request takes it once and keeps to it, so no answer
// mixes two releases; requests in flight finish on the old one.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "bundle/bundle.hpp"

namespace lodestone::serving {

/// A bundle that is open, verified and warm, with what is computed once for it. Const, safe from many threads.
struct LoadedRelease {
  std::shared_ptr<const bundle::Bundle> bundle;
  std::uint64_t etag_seed = 0;  ///< of the bundle id
  std::string demo;             ///< answer of /demo, "" when there is no demo page
  TimePoint loaded_at;

  [[nodiscard]] const models::Release& release() const { return bundle->release(); }
};
using ReleasePointer = std::shared_ptr<const LoadedRelease>;

/// Safe from many threads.
class ReleaseHolder {
 public:
  /// Replaces the release; the old one goes once nobody uses it, at a later collect().
  void set(ReleasePointer next);
  /// nullptr before the first set().
  [[nodiscard]] ReleasePointer get() const;

  /// Destroys replaced releases that no thread holds any more; unmapping is too slow for a thread that answers requests.
  void collect();
  /// Replaced releases that are not destroyed yet.
  [[nodiscard]] std::size_t n_retired() const;

 private:
  friend class ReleaseReader;
  mutable std::mutex mutex_;
  ReleasePointer current_;
  std::vector<ReleasePointer> retired_;
  std::atomic<std::uint64_t> generation_{0};
};

/// One thread's view: costs one atomic load while the release stays the same, where std::atomic<std::shared_ptr> would make all
/// threads write to one count.
class ReleaseReader {
 public:
  explicit ReleaseReader(const ReleaseHolder& holder) : holder_(&holder) {}

  /// The release now, nullptr when there is none. Valid until the next call on this reader.
  const LoadedRelease* current() {
    if (holder_->generation_.load(std::memory_order_acquire) != generation_) [[unlikely]]
      refresh();
    return release_.get();
  }

 private:
  void refresh();

  const ReleaseHolder* holder_;
  std::uint64_t generation_ = 0;
  ReleasePointer release_;
};

}  // namespace lodestone::serving
