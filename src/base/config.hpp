#pragma once
// The one typed configuration: a table of keys (path, kind, default, explanation) that the parser, the commented default file and
// docs/config.md are made from. Parse, check everything, freeze. Order of precedence: environment, file, default.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"

namespace lodestone {

enum class ConfigKind { kText, kInteger, kNumber, kFlag, kPath, kChoice, kTexts };

/// One key, `section.name`.
struct ConfigKey {
  std::string path;
  ConfigKind kind = ConfigKind::kText;
  std::string fallback = {};  ///< default, as it would stand in the file; texts are parted by commas
  std::string doc = {};       ///< one or two sentences: what it is, unit, what larger and smaller values cost
  double min = -1e15;         ///< of numbers, inclusive
  double max = 1e15;
  std::vector<std::string> choices = {};      ///< of kChoice; of a number: words that may stand in its place
  std::vector<std::string> environment = {};  ///< further variables that set it, besides LODESTONE_<SECTION>_<NAME>
};

/// An effective value and where it came from.
struct ConfigEntry {
  std::string path;
  std::vector<std::string> values;  ///< one, but for kTexts
  std::string origin;               ///< "default", "lodestone.yaml:12" or "environment LODESTONE_LAKE_FOLDER"
};

/// Const after load(), safe from many threads.
class Config {
 public:
  using Environment = std::function<std::optional<std::string>(const std::string& name)>;

  /// `file` may be missing (then defaults); `table` must outlive this. Relative paths are taken from the file's folder, without a
  /// file from the current one. Throws invalid_argument with every error at once: unknown key (with the nearest good one), wrong
  /// type, value out of range.
  static Config load(std::span<const ConfigKey> table, const std::optional<fs::path>& file, const Environment& environment);

  /// The same for the text of a file that need not be there yet; `file` gives its name in sentences and the folder of relative paths.
  static Config parse(std::span<const ConfigKey> table, const std::string& text, const fs::path& file,
                      const Environment& environment);

  [[nodiscard]] const std::string& text(std::string_view path) const;
  [[nodiscard]] std::int64_t integer(std::string_view path) const;
  [[nodiscard]] double number(std::string_view path) const;
  /// Nothing when one of the key's words stands in the place of the number.
  [[nodiscard]] std::optional<double> find_number(std::string_view path) const;
  [[nodiscard]] bool flag(std::string_view path) const;
  /// Absolute; "" stays empty.
  [[nodiscard]] fs::path file_path(std::string_view path) const;
  [[nodiscard]] const std::vector<std::string>& texts(std::string_view path) const;

  /// In the order of the table.
  [[nodiscard]] const std::vector<ConfigEntry>& entries() const { return entries_; }
  [[nodiscard]] const fs::path& folder() const { return folder_; }
  /// SHA-256 (hex) over all effective values, for manifests.
  [[nodiscard]] std::string hash() const;

 private:
  static Config read(std::span<const ConfigKey> table, const std::string* text, const fs::path& file,
                     const Environment& environment);
  [[nodiscard]] const ConfigEntry& entry(std::string_view path) const;
  std::vector<ConfigEntry> entries_;
  fs::path folder_;
};

/// The commented YAML file with every key at its default, or at the value given for it.
std::string format_config_file(std::span<const ConfigKey> table, const std::map<std::string, std::string>& values);

/// The same table as a Markdown document.
std::string format_config_document(std::span<const ConfigKey> table);

}  // namespace lodestone
