#pragma once
// YAML for configs, table contracts and dataset.yaml. Reading collects every error with its key path and line, so that one run
// reports all of them; a key nobody asked for is an error that names the nearest good one.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone {

/// The document under reading: its name and the errors so far.
class YamlErrors {
 public:
  explicit YamlErrors(std::string file) : file_(std::move(file)) {}
  void add(std::string_view key_path, int line, std::string_view sentence);
  [[nodiscard]] bool empty() const { return lines_.empty(); }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
  [[nodiscard]] const std::string& file() const { return file_; }
  /// Throws invalid_argument with all sentences, one a line, if there are any.
  void throw_if_any() const;

 private:
  std::string file_;
  std::vector<std::string> lines_;
};

/// One node, with the path that led to it. Copies are cheap and share the document. The getters of scalars add an error (and return
/// the fallback) when the text is of another type; they never throw.
class Yaml {
 public:
  /// Parses a text; a syntax error throws invalid_argument with file and line. `errors` must outlive the nodes.
  static Yaml parse(std::string_view text, YamlErrors& errors);

  [[nodiscard]] bool is_defined() const;
  [[nodiscard]] bool is_null() const;
  [[nodiscard]] bool is_map() const;
  [[nodiscard]] bool is_list() const;
  [[nodiscard]] bool is_scalar() const;
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Line in the file, from 1; 0 for a node that is not there.
  [[nodiscard]] int line() const;
  void error(std::string_view sentence) const;

  /// The child of a map, undefined when it is missing. Marks the key as known.
  [[nodiscard]] Yaml get(std::string_view key) const;
  /// The same, and adds an error when it is missing.
  [[nodiscard]] Yaml require(std::string_view key) const;
  [[nodiscard]] std::vector<std::string> keys() const;
  [[nodiscard]] std::vector<Yaml> items() const;
  /// Adds an error for each key of this map that is not in `known`, naming the nearest.
  void only(const std::vector<std::string>& known) const;

  /// The scalar's text ("" when undefined or no scalar).
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string as_string(std::string fallback) const;
  [[nodiscard]] std::int64_t as_int(std::int64_t fallback, std::int64_t min, std::int64_t max) const;
  [[nodiscard]] double as_double(double fallback) const;
  [[nodiscard]] bool as_bool(bool fallback) const;
  /// A list of scalars, or one scalar as a list of one.
  [[nodiscard]] std::vector<std::string> as_strings() const;

 private:
  struct Node;
  Yaml(std::shared_ptr<Node> node, std::string path, YamlErrors* errors);
  std::shared_ptr<Node> node_;
  std::string path_;
  YamlErrors* errors_;
};

}  // namespace lodestone
