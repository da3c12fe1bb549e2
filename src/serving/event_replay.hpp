#pragma once
// Reading the event journal again after a start: one thread reads lines while the caller's takes what stands in those before.

#include <functional>
#include <span>
#include <vector>

#include "serving/event_segments.hpp"
#include "serving/posted_event.hpp"

namespace lodestone::serving {

/// Gives the events of the segments, in their order, some thousand at a time, to `take`, which may move them. Lines that are damaged or torn are
/// left out, and so is a segment that cannot be read; the log says so. What `take` throws ends the reading.
void replay_segments(std::span<const fs::path> segments, const std::function<void(std::span<PostedEvent>)>& take);

}  // namespace lodestone::serving
