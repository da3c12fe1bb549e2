#include "simulation/open_sink.hpp"

#include <fmt/core.h>

#include "base/address.hpp"
#include "base/error.hpp"
#include "simulation/file_sink.hpp"
#include "simulation/mariadb_sink.hpp"
#include "simulation/parquet_sink.hpp"

namespace lodestone::simulation {
namespace {

constexpr std::string_view kFiles = "files:";
constexpr std::string_view kMysql = "mysql://";

/// Options of both databases.
struct Databases {
  sources::ConnectionOptions business;
  sources::ConnectionOptions matomo;
};

Databases databases_of(const SinkOptions& options) {
  Databases both;
  both.business.url = sources::parse_mysql_url(options.to);
  both.business.password = options.password;
  both.matomo = both.business;
  both.matomo.url.database = "matomo";
  if (!options.matomo.empty()) both.matomo.url = sources::parse_mysql_url(options.matomo);
  if (!options.matomo_password.empty()) both.matomo.password = options.matomo_password;
  return both;
}

/// The folder of files:DIR; nothing when the place is a database. Throws for what is neither.
std::optional<fs::path> folder_of(const SinkOptions& options) {
  if (options.to.starts_with(kMysql)) return std::nullopt;
  if (!options.to.starts_with(kFiles) || options.to.size() == kFiles.size()) {
    fail(ErrorCode::kInvalidArgument, "simulate: --to is \"{}\"; it must be files:DIR or mysql://USER@HOST:PORT/DATABASE",
         shown_address(options.to));
  }
  if (!options.matomo.empty()) {
    fail(ErrorCode::kInvalidArgument,
         "simulate: --matomo is \"{}\", but --to is a folder, which takes all tables; leave --matomo out",
         shown_address(options.matomo));
  }
  return options.to.substr(kFiles.size());
}

}  // namespace

std::vector<std::string> describe_targets(const SinkOptions& options) {
  std::vector<std::string> out;
  if (const auto folder = folder_of(options)) {
    for (const TableSpec& spec : marketplace_tables()) out.push_back(table_file(*folder, spec, options.format).string());
    return out;
  }
  const Databases both = databases_of(options);
  for (const TableSpec& spec : marketplace_tables()) {
    const sources::MysqlUrl& url = spec.database == Database::kBusiness ? both.business.url : both.matomo.url;
    out.push_back(fmt::format("table {} of {}", spec.name, sources::format_mysql_url(url)));
  }
  return out;
}

std::unique_ptr<MarketplaceSink> open_sink(const SinkOptions& options) {
  if (const auto folder = folder_of(options)) {
    if (options.format == FileFormat::kParquet) return std::make_unique<ParquetSink>(*folder);
    return std::make_unique<FileSink>(*folder, options.format);
  }
  const Databases both = databases_of(options);
  return std::make_unique<MariaDbSink>(both.business, both.matomo, options.existing);
}

}  // namespace lodestone::simulation
