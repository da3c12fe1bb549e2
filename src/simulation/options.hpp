#pragma once
// What to simulate. The output is a pure function of these values and the bytes of the catalogues.

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"

namespace lodestone::simulation {

struct SimulationOptions {
  std::optional<std::int64_t> items;  ///< data sets, 13,000 when not given; with catalogues it is theirs and must not be given
  std::int64_t users = 10'000;        ///< accounts; guests come on top
  std::int64_t events = 200'000;      ///< rows of matomo_log_link_visit_action, met within 2 % (but at least one visit)
  std::int64_t days = 90;             ///< visits lie in [end - days, end)
  std::uint64_t seed = 1;
  TimePoint end{};                   ///< whole seconds count
  std::vector<fs::path> catalogues;  ///< JSON lines, each with its column map beside it
  std::optional<fs::path> truth;     ///< where the ground truth goes, as JSON
  int request_dimension = 1;         ///< Matomo custom dimension 1..5 that carries the request id
  /// The one that carries click_POSITION_ID of an older front end; 2 when not given, or 1 where 2 carries the request id.
  std::optional<int> click_dimension = std::nullopt;

  [[nodiscard]] int effective_click_dimension() const { return click_dimension.value_or(request_dimension == 2 ? 1 : 2); }
};

}  // namespace lodestone::simulation
