#include "matomo.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "base/error.hpp"
#include "sources/mysql/connection.hpp"

namespace lodestone::app {
namespace {

constexpr std::string_view kVisits = "log_visit";

}  // namespace

void check_matomo_prefix(sources::MysqlSource& source, const std::string& prefix) {
  const std::vector<std::string> tables = source.tables();
  // A contract also finds a table by its full name.
  const auto is_visits = [](const std::string& name) { return name == kVisits || name == "matomo_log_visit"; };
  if (std::any_of(tables.begin(), tables.end(), is_visits)) return;
  sources::Connection& connection = source.connection();
  const auto rows =
      connection.query(fmt::format("SELECT v.TABLE_NAME FROM information_schema.TABLES v JOIN information_schema.TABLES a ON "
                                   "a.TABLE_SCHEMA = v.TABLE_SCHEMA "
                                   "AND a.TABLE_NAME = CONCAT(LEFT(v.TABLE_NAME, CHAR_LENGTH(v.TABLE_NAME) - 9), 'log_action') "
                                   "WHERE v.TABLE_SCHEMA = {} AND RIGHT(v.TABLE_NAME, 9) = 'log_visit' ORDER BY v.TABLE_NAME",
                                   sources::quoted_text(connection.options().url.database)),
                       {"look for the tables of Matomo", "", 0});
  std::vector<std::string> found;
  for (const auto& row : rows) found.push_back('"' + row[0]->substr(0, row[0]->size() - kVisits.size()) + '"');
  if (found.empty()) {
    fail(ErrorCode::kContract,
         "source.matomo {} has no table whose name ends in {}, so it is no database of Matomo that this account may read; "
         "correct the "
         "address, grant SELECT, or leave source.matomo empty",
         source.location(), kVisits);
  }
  fail(ErrorCode::kContract, "source.matomo {} has no table {}{}; the prefix there is {}. Set source.matomo_prefix",
       source.location(), prefix, kVisits, fmt::join(found, " or "));
}

std::optional<MatomoVersion> matomo_version(sources::MysqlSource& source, const std::string& prefix) {
  // The full name, too: the contracts find tables by it where no prefix is set.
  for (const std::string& table : {prefix + "option", std::string("matomo_option")}) {
    try {
      const auto rows = source.connection().query(
          fmt::format("SELECT option_value FROM {} WHERE option_name = 'version_core'", sources::quoted_name(table)),
          {"ask for Matomo's version", table, 0});
      if (rows.empty() || !rows[0][0]) continue;
      return MatomoVersion{*rows[0][0], rows[0][0]->starts_with("5.")};
    } catch (const Error&) {
      continue;  // knowing it is a convenience; what cannot be read says so when it is read
    }
  }
  return std::nullopt;
}

std::string describe(const MatomoVersion& version) {
  if (version.is_tested) return "Matomo " + version.text;
  return fmt::format(
      "Matomo {}: its tables were never tested, those of Matomo 5 were; compare the counts of lodestone lake status with "
      "Matomo's reports",
      version.text);
}

}  // namespace lodestone::app
