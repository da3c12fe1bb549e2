#pragma once
// W3C Trace Context (recommendation of 23 November 2021): the header by which a caller says to which trace a request belongs.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/rng.hpp"

namespace lodestone::http {

using TraceId = std::array<std::uint8_t, 16>;
using SpanId = std::array<std::uint8_t, 8>;

struct TraceContext {
  TraceId trace_id{};
  SpanId parent{};       ///< span of the caller; zeros = none
  bool sampled = false;  ///< the caller's decision
};

/// "00-<32 hex>-<16 hex>-<2 hex>", lower case, neither id all zeros. A later version may have more behind that and a dash.
/// Nothing for whatever else.
std::optional<TraceContext> parse_traceparent(std::string_view text);

/// New random ids. One thread.
TraceId make_trace_id(Rng& rng);
SpanId make_span_id(Rng& rng);

}  // namespace lodestone::http
