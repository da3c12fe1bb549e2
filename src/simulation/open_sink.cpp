#include "simulation/open_sink.hpp"

#include "base/error.hpp"
#include "simulation/file_sink.hpp"
#include "simulation/mariadb_sink.hpp"

namespace lodestone::simulation {
namespace {

constexpr std::string_view kFiles = "files:";
constexpr std::string_view kMysql = "mysql://";

std::unique_ptr<MarketplaceSink> open_databases(const SinkOptions& options) {
  sources::ConnectionOptions business;
  business.url = sources::parse_mysql_url(options.to);
  business.password = options.password;
  sources::ConnectionOptions matomo = business;
  matomo.url.database = "matomo";
  if (!options.matomo.empty()) matomo.url = sources::parse_mysql_url(options.matomo);
  if (!options.matomo_password.empty()) matomo.password = options.matomo_password;
  return std::make_unique<MariaDbSink>(business, matomo, options.existing);
}

}  // namespace

std::unique_ptr<MarketplaceSink> open_sink(const SinkOptions& options) {
  if (options.to.starts_with(kMysql)) return open_databases(options);
  if (options.to.starts_with(kFiles) && options.to.size() > kFiles.size()) {
    if (!options.matomo.empty()) {
      fail(ErrorCode::kInvalidArgument,
           "simulate: --matomo is \"{}\", but --to is a folder, which takes all tables; leave --matomo out", options.matomo);
    }
    return std::make_unique<FileSink>(options.to.substr(kFiles.size()), options.format);
  }
  fail(ErrorCode::kInvalidArgument, "simulate: --to is \"{}\"; it must be files:DIR or mysql://USER@HOST:PORT/DATABASE",
       options.to);
}

}  // namespace lodestone::simulation
