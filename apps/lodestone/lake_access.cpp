#include "lake_access.hpp"

#include <chrono>

#include "app.hpp"
#include "base/error.hpp"
#include "lake/canonical.hpp"
#include "sources/files/files_source.hpp"
#include "sources/mysql/mysql_source.hpp"

namespace lodestone::app {
namespace {

std::unique_ptr<sources::Source> open_mysql(const Config& config, const std::string& key, const std::string& address) {
  sources::MysqlOptions options;
  options.url = address;
  options.password = password_of(config, key);
  options.connect_timeout = std::chrono::seconds(config.integer("source.connect_timeout_seconds"));
  options.read_timeout = std::chrono::seconds(config.integer("source.read_timeout_seconds"));
  if (key == "source.matomo") options.table_prefix = config.text("source.matomo_prefix");
  return std::make_unique<sources::MysqlSource>(options);
}

std::unique_ptr<sources::Source> open_source(const Config& config, const std::string& key, const std::string& address) {
  const std::string prefix = config.text("source.matomo_prefix");
  if (address.starts_with("files:"))
    return std::make_unique<sources::FilesSource>((config.folder() / address.substr(6)).lexically_normal(), prefix);
  if (address.starts_with("mysql://")) return open_mysql(config, key, address);
  fail(ErrorCode::kInvalidArgument, "{} \"{}\" is neither files:PATH nor mysql://USER@HOST:PORT/DB", key, address);
}

}  // namespace

table::Engine::Options engine_options(const Config& config) {
  table::Engine::Options options;
  options.memory_budget_bytes = static_cast<std::uint64_t>(config.integer("pipeline.memory_mib")) << 20U;
  options.n_threads = static_cast<int>(config.integer("pipeline.threads"));
  options.temp_folder = config.file_path("pipeline.temp_folder");
  return options;
}

table::Parameters query_parameters(const Config& config) {
  table::Parameters out = lake::url_pattern_parameters(config.texts("source.item_url_patterns"));
  out["zone"] = config.text("source.zone");
  out["request_column"] = "custom_dimension_" + config.text("source.request_dimension");
  out["stitch_days"] = config.text("events.stitch_days");
  out["robot_actions_per_day"] = config.text("events.robot_actions_per_day");
  for (const char* name : {"half_life_days", "view_weight", "click_weight", "cart_weight", "order_weight"}) {
    out[name] = config.text(std::string("training.") + name);
  }
  return out;
}

std::vector<NamedSource> open_sources(const Config& config) {
  const std::string business = config.text("source.business");
  if (business.empty()) {
    fail(ErrorCode::kInvalidArgument,
         "source.business is empty; set it to files:PATH or mysql://USER@HOST:PORT/DB, or run lodestone init --source");
  }
  std::string matomo = config.text("source.matomo");
  if (matomo.empty() && business.starts_with("files:")) matomo = business;
  std::vector<NamedSource> out;
  out.push_back({"business", open_source(config, "source.business", business)});
  if (!matomo.empty()) out.push_back({"matomo", open_source(config, "source.matomo", matomo)});
  return out;
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
