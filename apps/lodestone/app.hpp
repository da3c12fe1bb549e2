#pragma once
// What every verb gets: where the config is, whether the answer is JSON, and the settings of the stages made from the config. Only this
// folder knows argv and the environment.

#include <optional>
#include <string>

#include "base/config.hpp"

namespace lodestone::app {

struct Globals {
  std::optional<fs::path> config_file;  ///< -c; else lodestone.yaml of the current folder when it is there
  bool json = false;                    ///< one JSON document on stdout instead of a table
  bool dry_run = false;                 ///< read and check, say what would be done, one line an effect, and change nothing
};

/// Reads the effective configuration and sets the log level. Throws invalid_argument or not_found.
Config load_config(const Globals& globals);

/// The value of an environment variable, if set.
std::optional<std::string> environment(const std::string& name);

/// The first line of the config key `<key>_password_file`'s file, else LODESTONE_<KEY>_PASSWORD, else "". `key` is "source.business"
/// or "source.matomo". Throws when the file is there for all the world to read.
std::string password_of(const Config& config, const std::string& key);

/// Rows of text with a header, in aligned columns on stdout; numbers to the right. Each row has as many cells as the header.
void print_table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);

/// Prints a JSON document and a newline on stdout.
void print_json(const std::string& document);

}  // namespace lodestone::app
