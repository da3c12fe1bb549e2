// lodestone simulate: a marketplace with known ground truth, as files or in a MariaDB.

#include <fmt/format.h>

#include <cstdio>

#include "base/error.hpp"
#include "base/progress.hpp"
#include "lake_access.hpp"
#include "simulation/open_sink.hpp"
#include "simulation/simulator.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

/// The tables that would be written, and where.
int say_what_is_simulated(const simulation::SimulationOptions& options, const simulation::SinkOptions& place) {
  for (const std::string& target : simulation::describe_targets(place)) std::printf("would write %s\n", target.c_str());
  if (options.truth) std::printf("would write the ground truth to %s\n", options.truth->c_str());
  return 0;
}

}  // namespace

int run_simulate(const Globals& globals, const SimulateArguments& arguments) {
  const Config config = load_config(globals);
  simulation::SimulationOptions options;
  options.items = arguments.items;
  options.users = arguments.users;
  options.events = arguments.events;
  options.days = arguments.days;
  options.seed = arguments.seed;
  options.catalogues = arguments.catalogs;
  options.request_dimension = dimensions_of(config).request;
  options.click_dimension = dimensions_of(config).click;
  if (!arguments.truth.empty()) options.truth = arguments.truth;
  if (arguments.end.empty()) {
    options.end = SystemClock().now();
  } else {
    const auto end = parse_time(arguments.end);
    if (!end) fail(ErrorCode::kInvalidArgument, "--end \"{}\" is no RFC 3339 time, such as 2026-11-01T00:00:00Z", arguments.end);
    options.end = *end;
  }
  simulation::SinkOptions place;
  place.to = arguments.to;
  place.format = simulation::parse_file_format(arguments.format);
  place.matomo = arguments.matomo;
  place.password = password_of(config, "source.business");
  place.matomo_password = password_of(config, "source.matomo");
  place.existing = arguments.overwrite ? simulation::Existing::kReplace : simulation::Existing::kRefuse;
  if (globals.dry_run) return say_what_is_simulated(options, place);
  const auto sink = simulation::open_sink(place);
  const simulation::SimulationSummary summary = simulation::simulate(options, *sink);
  std::vector<std::vector<std::string>> rows;
  for (std::size_t t = 0; t < summary.rows.size(); ++t) {
    rows.push_back({simulation::marketplace_tables()[t].name, fmt::format("{}", summary.rows[t])});
  }
  print_table({"table", "rows"}, rows);
  return 0;
}

}  // namespace lodestone::app
