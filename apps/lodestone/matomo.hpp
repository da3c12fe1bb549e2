#pragma once
// Whether a database is a Matomo as the contracts know it.

#include <optional>
#include <string>

#include "sources/mysql/mysql_source.hpp"

namespace lodestone::app {

/// Throws contract when the database has no visits under the prefix that `source` was opened with; the sentence names the prefixes it has.
void check_matomo_prefix(sources::MysqlSource& source, const std::string& prefix);

struct MatomoVersion {
  std::string text;        ///< "5.1.0-b2"
  bool is_tested = false;  ///< of the major version whose tables the contracts are tested with, 5
};
/// What Matomo wrote into its table `option`; nothing where the account may not read it or it is not there.
std::optional<MatomoVersion> matomo_version(sources::MysqlSource& source, const std::string& prefix);
/// For the log and `check`: "Matomo 5.1.0-b2", for another major version with what to look at.
std::string describe(const MatomoVersion& version);

}  // namespace lodestone::app
