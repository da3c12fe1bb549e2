#include "tests/support/metrics_lint.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <set>

namespace lodestone::test {

namespace {

struct Family {
  std::string kind;
  bool helped = false;
  double last_bucket = -1;
  std::string last_bucket_series;
};

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string family_of(std::string_view series, const std::map<std::string, Family>& families) {
  const std::string name(series.substr(0, series.find('{')));
  for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
    if (!name.ends_with(suffix)) continue;
    const std::string stem = name.substr(0, name.size() - suffix.size());
    const auto found = families.find(stem);
    if (found != families.end() && found->second.kind == "histogram") return stem;
  }
  return name;
}

class Linter {
 public:
  explicit Linter(const std::vector<std::string>& exempt) : exempt_(exempt.begin(), exempt.end()) {}

  void line(std::size_t number, std::string_view text) {
    number_ = number;
    if (text.starts_with("# HELP ")) {
      help(text.substr(7));
    } else if (text.starts_with("# TYPE ")) {
      type(text.substr(7));
    } else if (!text.empty()) {
      sample(text);
    }
  }
  std::vector<std::string> problems;

 private:
  void bad(std::string_view sentence) { problems.push_back(fmt::format("line {}: {}", number_, sentence)); }

  void help(std::string_view rest) {
    const std::string name(rest.substr(0, rest.find(' ')));
    if (families_.contains(name)) bad(name + " has two HELP lines or comes twice");
    if (name < last_name_) bad(name + " is out of order");
    last_name_ = name;
    if (rest.size() <= name.size() + 1) bad(name + " has no help text");
    families_[name].helped = true;
  }

  void type(std::string_view rest) {
    const std::string name(rest.substr(0, rest.find(' ')));
    const std::string kind(rest.substr(std::min(rest.size(), name.size() + 1)));
    Family& family = families_[name];
    if (!family.helped) bad(name + " has TYPE before HELP");
    family.kind = kind;
    if (exempt_.contains(name)) return;
    if (kind == "counter" && !name.ends_with("_total")) bad(name + " is a counter without _total");
    if (kind != "counter" && name.ends_with("_total")) bad(name + " ends in _total but is no counter");
    constexpr std::string_view kUnits[] = {"_seconds", "_bytes", "_ratio", "_ranks"};
    const bool has_unit = std::ranges::any_of(kUnits, [&](std::string_view unit) { return name.ends_with(unit); });
    if (kind == "histogram" && !has_unit) bad(name + " lacks a base unit");
    for (const std::string_view wrong : {"_count", "_sum", "_bucket", "_info_total", "_milliseconds", "_timestamp"}) {
      if (name.ends_with(wrong)) bad(fmt::format("{} ends in {}", name, wrong));
    }
  }

  void sample(std::string_view text) {
    const std::size_t blank = text.rfind(' ');
    if (blank == std::string_view::npos) return bad("no value");
    const std::string series(text.substr(0, blank));
    const std::string value(text.substr(blank + 1));
    char* end = nullptr;
    const double number = std::strtod(value.c_str(), &end);
    if (end == value.c_str() || *end != '\0') bad(series + " has no number: " + value);
    if (!seen_.insert(series).second) bad(series + " comes twice");
    const std::string name = family_of(series, families_);
    const auto found = families_.find(name);
    if (found == families_.end()) return bad(series + " has no HELP and TYPE");
    if (found->second.kind == "counter" && !(number >= 0)) bad(series + " is negative");
    if (found->second.kind == "histogram" && series.starts_with(name + "_bucket")) bucket(found->second, series, number);
  }

  void bucket(Family& family, const std::string& series, double number) {
    const std::size_t edge = series.find("le=\"");
    if (edge == std::string::npos) return bad(series + " has no le");
    const std::string stem = series.substr(0, edge);
    if (stem == family.last_bucket_series && number < family.last_bucket) bad(series + " is below the bucket before it");
    family.last_bucket_series = stem;
    family.last_bucket = number;
  }

  std::set<std::string> exempt_;
  std::map<std::string, Family> families_;
  std::set<std::string> seen_;
  std::string last_name_;
  std::size_t number_ = 0;
};

}  // namespace

std::vector<std::string> lint_metrics(std::string_view text, const std::vector<std::string>& exempt) {
  Linter linter(exempt);
  if (text.empty() || text.back() != '\n') linter.problems.emplace_back("the text does not end in a line end");
  std::size_t number = 0;
  for (const std::string_view line : lines_of(text)) linter.line(++number, line);
  return linter.problems;
}

std::map<std::string, double> parse_metrics(std::string_view text) {
  std::map<std::string, double> result;
  for (const std::string_view line : lines_of(text)) {
    if (line.empty() || line.front() == '#') continue;
    const std::size_t blank = line.rfind(' ');
    result[std::string(line.substr(0, blank))] = std::strtod(std::string(line.substr(blank + 1)).c_str(), nullptr);
  }
  return result;
}

std::set<std::string> documented_metrics(std::string_view page, std::string_view head) {
  std::set<std::string> names;
  bool is_of_metrics = false;
  for (const std::string_view line : lines_of(page)) {
    if (line.starts_with(fmt::format("| {} |", head))) is_of_metrics = true;
    if (line.empty()) is_of_metrics = false;
    if (is_of_metrics && line.starts_with("| `")) names.emplace(line.substr(3, line.find('`', 3) - 3));
  }
  return names;
}

}  // namespace lodestone::test
