// lodestone report recommendations: what was shown, from the exposure logs in the lake.

#include <fmt/format.h>

#include <cstdio>

#include "app.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "lake/reader.hpp"
#include "lake_access.hpp"
#include "report_lake.hpp"
#include "table/sql_text.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

void set_time(table::Parameters& parameters, const std::string& name, const std::string& text) {
  if (text.empty()) return;
  const std::optional<TimePoint> at = parse_time(text);
  if (!at)
    fail(ErrorCode::kInvalidArgument, "--{} \"{}\" is no time; write it as 2026-01-31 or 2026-01-31T00:00:00Z", name, text);
  parameters[name] = format_rfc3339(*at);
}

}  // namespace

table::Parameters report_times(const ReportArguments& arguments) {
  table::Parameters parameters;
  set_time(parameters, "since", arguments.since);
  set_time(parameters, "until", arguments.until);
  return parameters;
}

void attach_exposures(table::Engine& engine, const Config& config) {
  const lake::Reader reader(config.file_path("lake.folder"));
  (void)reader.get("canonical", "items");
  if (reader.find("exposures", "exposures") == nullptr) {
    fail(ErrorCode::kNotFound, "the lake {} has no exposures yet; lodestone serve writes them down, lodestone extract reads them",
         config.file_path("lake.folder").string());
  }
  reader.attach(engine);
}

int run_report_recommendations(const Globals& globals, const ReportArguments& arguments) {
  const Config config = load_config(globals);
  const table::Parameters parameters = report_times(arguments);
  table::Engine engine(engine_options(config));
  attach_exposures(engine, config);
  json::Array documents;
  std::vector<std::vector<std::string>> rows;
  const table::SqlFile query = table::SqlFile::load(config.file_path("lake.sql_folder"), "reports/recommendations");
  engine.query(query.render(parameters), [&](const table::Chunk& chunk) {
    for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
      json::Value& document = documents.emplace_back(json::Object{});
      document.set("section", json::Value(chunk.format_at(0, r)));
      document.set("name", chunk.is_null(1, r) ? json::Value() : json::Value(chunk.format_at(1, r)));
      document.set("n", json::Value(chunk.int_at(2, r)));
      document.set("share", chunk.is_null(3, r) ? json::Value() : json::Value(chunk.double_at(3, r)));
      rows.push_back({chunk.format_at(0, r), chunk.format_at(1, r), chunk.format_at(2, r),
                      chunk.is_null(3, r) ? "" : fmt::format("{:.4f}", chunk.double_at(3, r))});
    }
  });
  if (globals.json) {
    print_json(json::format(json::Value(std::move(documents)), 1));
  } else {
    print_table({"section", "name", "n", "share"}, rows);
  }
  return 0;
}

}  // namespace lodestone::app
