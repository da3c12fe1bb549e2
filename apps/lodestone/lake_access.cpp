#include "lake_access.hpp"

#include <chrono>

#include "app.hpp"
#include "base/error.hpp"
#include "lake/canonical.hpp"
#include "sources/files/files_source.hpp"
#include "sources/mysql/mysql_source.hpp"

namespace lodestone::app {
namespace {

sources::PoolOptions pool_options(const Config& config, const std::string& name, const std::string& address) {
  sources::PoolOptions options;
  options.connection.url = sources::parse_mysql_url(address);
  options.connection.password = password_of(config, "source." + name);
  options.connection.connect_timeout = std::chrono::seconds(config.integer("source.connect_timeout_seconds"));
  options.connection.read_timeout = std::chrono::seconds(config.integer("source.read_timeout_seconds"));
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

std::vector<std::string> source_names(const Config& config) {
  if (address_of(config, "matomo").empty()) return {"business"};
  return {"business", "matomo"};
}

bool is_database(const Config& config, const std::string& name) { return address_of(config, name).starts_with("mysql://"); }

void make_pools(const Config& config, SourcePools& pools) {
  for (const std::string& name : source_names(config)) {
    if (is_database(config, name)) pools.try_emplace(name, pool_options(config, name, address_of(config, name)));
  }
}

std::unique_ptr<sources::MysqlSource> open_database(const Config& config, const std::string& name, SourcePools& pools) {
  auto pool = pools.find(name);
  if (pool == pools.end()) pool = pools.try_emplace(name, pool_options(config, name, address_of(config, name))).first;
  return std::make_unique<sources::MysqlSource>(pool->second, name == "matomo" ? config.text("source.matomo_prefix") : "");
}

NamedSource open_source(const Config& config, const std::string& name, SourcePools& pools) {
  const std::string address = address_of(config, name);
  if (is_database(config, name)) return {name, open_database(config, name, pools)};
  if (address.starts_with("files:")) {
    return {name, std::make_unique<sources::FilesSource>((config.folder() / address.substr(6)).lexically_normal(),
                                                         config.text("source.matomo_prefix"))};
  }
  fail(ErrorCode::kInvalidArgument, "source.{} \"{}\" is neither files:PATH nor mysql://USER@HOST:PORT/DB", name, address);
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
