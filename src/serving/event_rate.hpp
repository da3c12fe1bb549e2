#pragma once
// How many events a second one visitor or user may send: token buckets.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/clock.hpp"

namespace lodestone::serving {

/// Each sender has a bucket that fills at the rate and holds ten seconds of it. A fixed table of buckets, so that a flood of made-up visitors
/// costs no memory: two senders of one place take turns in it, each beginning with a full bucket, which errs towards taking events. One thread.
class EventRate {
 public:
  /// `per_second` 0 = no limit.
  explicit EventRate(double per_second) : rate_(per_second), buckets_(per_second > 0 ? kPlaces : 0) {}

  /// Whether one more event of this sender is taken now. `sender` is a hash.
  bool take(std::uint64_t sender, TimePoint now) {
    if (buckets_.empty()) return true;
    Bucket& bucket = buckets_[sender % kPlaces];
    const double full = std::max(1.0, kBurstSeconds * rate_);
    if (bucket.sender != sender) bucket = {sender, full, now};
    const double seconds = std::chrono::duration<double>(std::max(now - bucket.at, TimePoint::duration::zero())).count();
    bucket.tokens = std::min(full, bucket.tokens + seconds * rate_);
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

 private:
  static constexpr double kBurstSeconds = 10;
  static constexpr std::size_t kPlaces = 1U << 16U;
  struct Bucket {
    std::uint64_t sender = 0;
    double tokens = 0;
    TimePoint at;
  };
  double rate_;
  std::vector<Bucket> buckets_;
};

}  // namespace lodestone::serving
