#pragma once
// Share of degraded answers in the last five minutes, from counters that only rise: a ring of their readings, one a second.

#include <array>
#include <cstddef>
#include <cstdint>

namespace lodestone::serving {

/// Not safe from several threads.
class FallbackRatio {
 public:
  static constexpr std::size_t kSeconds = 300;

  /// Takes the counters' values now.
  void sample(std::uint64_t answers, std::uint64_t degraded) {
    ring_[n_ % ring_.size()] = {answers, degraded};
    ++n_;
  }

  /// Degraded answers / answers between the oldest reading kept and the newest; 0 when there were none.
  [[nodiscard]] double ratio() const {
    if (n_ < 2) return 0;
    const Reading& last = ring_[(n_ - 1) % ring_.size()];
    const Reading& first = ring_[n_ <= ring_.size() ? 0 : n_ % ring_.size()];
    const std::uint64_t answers = last.answers - first.answers;
    return answers == 0 ? 0 : static_cast<double>(last.degraded - first.degraded) / static_cast<double>(answers);
  }

 private:
  struct Reading {
    std::uint64_t answers = 0;
    std::uint64_t degraded = 0;
  };
  std::array<Reading, kSeconds + 1> ring_{};
  std::size_t n_ = 0;
};

}  // namespace lodestone::serving
