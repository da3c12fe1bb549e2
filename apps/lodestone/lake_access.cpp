#include "lake_access.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include <chrono>
#include <cstdlib>
#include <optional>

#include "app.hpp"
#include "base/address.hpp"
#include "base/error.hpp"
#include "lake/canonical.hpp"
#include "lake/table_folder.hpp"
#include "matomo.hpp"
#include "sources/files/files_source.hpp"
#include "sources/journal/journal_source.hpp"
#include "sources/mysql/mysql_source.hpp"

namespace lodestone::app {
namespace {

// The offset from UTC of a zone that has had one only since 2000, such as "+08:00"; else "+00:00". Columns of type TIMESTAMP then come as
// the columns without a zone beside them.
std::string fixed_offset(const std::string& zone) {
  table::Engine engine({.memory_budget_bytes = 64U << 20U, .n_threads = 1, .temp_folder = {}});
  std::optional<std::int64_t> minutes;
  try {
    minutes = engine.query_int(fmt::format(
        "SELECT CASE WHEN min(o) = max(o) THEN min(o) // 60000000 END FROM (SELECT epoch_us(timezone({}, t)) - epoch_us(t) AS o "
        "FROM generate_series(TIMESTAMPTZ '2000-01-01 00:00:00+00', TIMESTAMPTZ '2037-01-01 00:00:00+00', INTERVAL 7 DAY) s(t))",
        table::quote_literal(zone)));
  } catch (const Error&) {
    fail(ErrorCode::kInvalidArgument, "source.zone \"{}\" is no time zone; give a name such as Asia/Shanghai or Europe/Berlin",
         zone);
  }
  const std::int64_t offset = minutes.value_or(0);
  return fmt::format("{}{:02}:{:02}", offset < 0 ? '-' : '+', std::abs(offset) / 60, std::abs(offset) % 60);
}

sources::PoolOptions pool_options(const Config& config, const std::string& name, const std::string& address) {
  sources::PoolOptions options;
  options.connection.url = sources::parse_mysql_url(address);
  options.connection.password = password_of(config, "source." + name);
  options.connection.connect_timeout = std::chrono::seconds(config.integer("source.connect_timeout_seconds"));
  options.connection.read_timeout = std::chrono::seconds(config.integer("source.read_timeout_seconds"));
  if (name == "business") options.connection.time_zone = fixed_offset(config.text("source.zone"));
  options.name = name;
  options.size = static_cast<int>(config.integer("source.pool_size"));
  options.max_overflow = static_cast<int>(config.integer("source.pool_max_overflow"));
  options.recycle = std::chrono::seconds(config.integer("source.pool_recycle_seconds"));
  options.timeout = std::chrono::seconds(config.integer("source.pool_timeout_seconds"));
  return options;
}

std::string address_of(const Config& config, const std::string& name) {
  const std::string& business = config.text("source.business");
  if (business.empty()) {
    fail(ErrorCode::kInvalidArgument,
         "source.business is empty; set it to files:PATH or mysql://USER@HOST:PORT/DB, or run lodestone init --source");
  }
  if (name == "business") return business;
  const std::string& matomo = config.text("source.matomo");
  return matomo.empty() && business.starts_with("files:") ? business : matomo;
}

}  // namespace

table::Engine::Options engine_options(const Config& config) {
  table::Engine::Options options;
  options.memory_budget_bytes = static_cast<std::uint64_t>(config.integer("pipeline.memory_mib")) << 20U;
  options.n_threads = static_cast<int>(config.integer("pipeline.threads"));
  options.temp_folder = config.file_path("pipeline.temp_folder");
  return options;
}

Dimensions dimensions_of(const Config& config) {
  Dimensions out;
  out.request = static_cast<int>(config.integer("source.request_dimension"));
  out.click = static_cast<int>(config.integer("source.click_dimension"));
  if (out.click == 0) out.click = out.request == 2 ? 1 : 2;
  if (out.click == out.request) {
    fail(ErrorCode::kInvalidArgument,
         "source.request_dimension and source.click_dimension are both {}; one custom dimension carries one of them, so give the "
         "other its own",
         out.request);
  }
  return out;
}

std::vector<std::string> missing_dimensions(const Config& config) {
  const auto table = lake::find_manifest(lake::table_path(config.file_path("lake.folder"), "matomo", "log_link_visit_action"));
  if (!table || table->n_rows() == 0) return {};
  constexpr std::string_view kPrefix = "custom_dimension_";
  std::vector<std::string> there;
  for (const lake::ManifestColumn& column : table->columns) {
    if (column.name.starts_with(kPrefix) && column.origin != lake::ColumnOrigin::kAbsent) there.push_back(column.name);
  }
  const Dimensions dimensions = dimensions_of(config);
  std::vector<std::string> out;
  const auto check = [&](const char* key, int index, const char* lost) {
    const std::string name = fmt::format("{}{}", kPrefix, index);
    if (std::find(there.begin(), there.end(), name) != there.end()) return;
    out.push_back(fmt::format(
        "{} is {}, but {} has no column {}, so {}; it has {}. Make the dimension in Matomo (scope action), or set its index", key,
        index, table->location, name, lost, there.empty() ? "none" : fmt::format("{}", fmt::join(there, ", "))));
  };
  check("source.request_dimension", dimensions.request, "clicks and views carry no request id");
  if (config.integer("source.click_dimension") != 0)
    check("source.click_dimension", dimensions.click, "no click is read from it");
  return out;
}

table::Parameters query_parameters(const Config& config) {
  table::Parameters out = lake::url_pattern_parameters(config.texts("source.item_url_patterns"));
  out["zone"] = config.text("source.zone");
  const Dimensions dimensions = dimensions_of(config);
  out["request_column"] = fmt::format("custom_dimension_{}", dimensions.request);
  out["click_column"] = fmt::format("custom_dimension_{}", dimensions.click);
  out["stitch"] = config.text("events.stitch");
  out["attribution_days"] = config.text("events.attribution_days");
  out["stitch_days"] = config.text("events.stitch_days");
  out["robot_actions_per_day"] = config.text("events.robot_actions_per_day");
  for (const char* name : {"half_life_days", "view_weight", "click_weight", "cart_weight", "order_weight"}) {
    out[name] = config.text(std::string("training.") + name);
  }
  return out;
}

std::vector<std::string> source_names(const Config& config) {
  std::vector<std::string> names = {"business"};
  if (!address_of(config, "matomo").empty()) names.emplace_back("matomo");
  // A site whose server never took an event has no folder of them.
  const fs::path events = config.file_path("serving.events_folder");
  if (!events.empty() && fs::is_directory(events)) names.emplace_back("events");
  return names;
}

bool is_database(const Config& config, const std::string& name) {
  return name != "events" && address_of(config, name).starts_with("mysql://");
}

void make_pools(const Config& config, SourcePools& pools) {
  for (const std::string& name : source_names(config)) {
    if (is_database(config, name)) pools.try_emplace(name, pool_options(config, name, address_of(config, name)));
  }
}

std::unique_ptr<sources::MysqlSource> open_database(const Config& config, const std::string& name, SourcePools& pools) {
  auto pool = pools.find(name);
  if (pool == pools.end()) pool = pools.try_emplace(name, pool_options(config, name, address_of(config, name))).first;
  if (name != "matomo") return std::make_unique<sources::MysqlSource>(pool->second);
  const std::string& prefix = config.text("source.matomo_prefix");
  auto source = std::make_unique<sources::MysqlSource>(pool->second, prefix);
  check_matomo_prefix(*source, prefix);
  return source;
}

NamedSource open_source(const Config& config, const std::string& name, SourcePools& pools) {
  if (name == "events") return {name, std::make_unique<sources::JournalSource>(config.file_path("serving.events_folder"))};
  const std::string address = address_of(config, name);
  if (is_database(config, name)) return {name, open_database(config, name, pools)};
  if (address.starts_with("files:")) {
    return {name, std::make_unique<sources::FilesSource>((config.folder() / address.substr(6)).lexically_normal(),
                                                         config.text("source.matomo_prefix"))};
  }
  fail(ErrorCode::kInvalidArgument, "source.{} \"{}\" is neither files:PATH nor mysql://USER@HOST:PORT/DB", name,
       shown_address(address));
}

std::vector<NamedSource> open_sources(const Config& config, SourcePools& pools) {
  std::vector<NamedSource> out;
  for (const std::string& name : source_names(config)) out.push_back(open_source(config, name, pools));
  return out;
}

void require_training_tables(const lake::Reader& reader) {
  for (const char* name : {"items", "events"}) (void)reader.get("canonical", name);
}

json::Value describe_table(const lake::Manifest& table) {
  json::Value out = json::Object{};
  out.set("kind", json::Value(table.kind));
  out.set("rows", json::Value(static_cast<std::int64_t>(table.n_rows())));
  out.set("created", json::Value(format_rfc3339(table.created_at)));
  if (table.cursor && table.cursor->read_at) out.set("read_at", json::Value(format_rfc3339(*table.cursor->read_at)));
  return out;
}

}  // namespace lodestone::app
