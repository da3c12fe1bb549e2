#pragma once
// The time of recall channels, for who wants to know it.

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/channel.hpp"

namespace lodestone::engine {

/// How long each channel of a request took to find its candidates and to give them their share of the score. The engine has no clock:
/// who wants to know brings one.
struct RecallTrace {
  std::uint64_t (*now)() = nullptr;                    ///< nanoseconds from any beginning; never falls
  std::array<std::uint64_t, kChannels> nanoseconds{};  ///< 0 for a channel that was not asked
  std::uint64_t ranking = 0;  ///< of the ranker that put the page in order, its features included; 0 = none did
};

/// Adds the time from here to the end of the block to a channel, if anybody wants to know.
class Timed {
 public:
  Timed(RecallTrace* trace, Channel channel) : trace_(trace), channel_(channel), start_(trace == nullptr ? 0 : trace->now()) {}
  ~Timed() {
    if (trace_ != nullptr) trace_->nanoseconds[static_cast<std::size_t>(channel_)] += trace_->now() - start_;
  }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  RecallTrace* trace_;
  Channel channel_;
  std::uint64_t start_;
};

}  // namespace lodestone::engine
