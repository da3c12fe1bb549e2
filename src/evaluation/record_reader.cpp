#include "evaluation/record_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

namespace lodestone::evaluation {
namespace {

constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

/// Cuts a line into cells, reusing their memory. False when a quote is still open at the end of the line.
bool split_cells(std::string_view line, char delimiter, std::vector<std::string>& cells, std::size_t& n) {
  n = 0;
  const auto cell = [&]() -> std::string& {
    if (cells.size() == n) cells.emplace_back();
    cells[n].clear();
    return cells[n++];
  };
  std::size_t at = 0;
  for (;;) {
    std::string& out = cell();
    if (delimiter != '\t' && at < line.size() && line[at] == '"') {
      ++at;
      for (;; ++at) {
        if (at >= line.size()) return false;
        if (line[at] != '"') {
          out += line[at];
        } else if (at + 1 < line.size() && line[at + 1] == '"') {
          out += '"';
          ++at;
        } else {
          ++at;
          break;
        }
      }
    }
    const std::size_t end = std::min(line.find(delimiter, at), line.size());
    out.append(line.substr(at, end - at));
    if (end == line.size()) return true;
    at = end + 1;
  }
}

void drop_mark(std::string& line) {
  if (line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
}

std::string text_of(const json::Value& value, const std::string& where) {
  if (value.is_null()) return "";
  if (const std::string* text = value.as_string()) return *text;
  if (const bool* flag = value.as_bool()) return *flag ? "true" : "false";
  if (const std::int64_t* number = value.as_int()) return std::to_string(*number);
  if (const auto number = value.as_number()) return fmt::format("{}", *number);
  if (const json::Array* list = value.as_array()) {
    std::string out;
    for (const json::Value& entry : *list) {
      if (!out.empty()) out += kListSeparator;
      out += text_of(entry, where);
    }
    return out;
  }
  fail(ErrorCode::kCorrupt, "{}: the column names an object, expected a text, a number or a list; map a path inside it", where);
}

const json::Value* find_path(const json::Value& value, std::string_view path) {
  if (const json::Value* whole = value.find(path)) return whole;
  const std::size_t dot = path.find('.');
  if (dot == std::string_view::npos) return nullptr;
  const json::Value* inner = value.find(path.substr(0, dot));
  return inner == nullptr ? nullptr : find_path(*inner, path.substr(dot + 1));
}

void collect_paths(const json::Value& value, const std::string& prefix, std::vector<std::string>& out) {
  const json::Object* object = value.as_object();
  if (object == nullptr) return;
  for (const json::Member& member : *object) {
    const std::string path = prefix.empty() ? member.key : prefix + "." + member.key;
    if (std::find(out.begin(), out.end(), path) == out.end()) out.push_back(path);
    collect_paths(member.value, path, out);
  }
}

}  // namespace

RecordReader::RecordReader(const FileSpec& file, std::vector<Column> columns) : file_(file), lines_(file.path) {
  for (const Column column : columns) {
    const ColumnSource* source = file.find(column);
    sources_.push_back(source == nullptr ? "" : source->source);
  }
  if (file.format == Format::kJsonl) return;
  if (!read_cells()) fail(ErrorCode::kCorrupt, "{}: is empty, expected a header line", file.path.string());
  width_ = n_cells_;
  for (const std::string& source : sources_) {
    const auto end = cells_.begin() + static_cast<std::ptrdiff_t>(n_cells_);
    const auto it = std::find(cells_.begin(), end, source);
    if (!source.empty() && it == end) fail(ErrorCode::kInvalidArgument, "{}: has no column \"{}\"", file.path.string(), source);
    places_.push_back(source.empty() ? kNowhere : static_cast<std::size_t>(it - cells_.begin()));
  }
}

bool RecordReader::read_cells() {
  do {
    if (!lines_.next(line_)) return false;
    if (lines_.line_number() == 1) drop_mark(line_);
  } while (line_.empty());
  std::string more;
  while (!split_cells(line_, file_.delimiter, cells_, n_cells_)) {
    if (!lines_.next(more)) fail(ErrorCode::kCorrupt, "{}: a quote is open at the end of the file", where());
    line_ += '\n';
    line_ += more;
  }
  return true;
}

bool RecordReader::next(std::vector<std::string>& fields) {
  return file_.format == Format::kJsonl ? next_json(fields) : next_table(fields);
}

bool RecordReader::next_table(std::vector<std::string>& fields) {
  if (!read_cells()) return false;
  if (n_cells_ != width_) {
    fail(ErrorCode::kCorrupt, "{}: has {} fields, the header has {}; a field that holds the delimiter needs quotes", where(),
         n_cells_, width_);
  }
  fields.resize(places_.size());
  for (std::size_t c = 0; c < places_.size(); ++c) {
    if (places_[c] == kNowhere) {
      fields[c].clear();
    } else {
      fields[c] = cells_[places_[c]];
    }
  }
  return true;
}

bool RecordReader::next_json(std::vector<std::string>& fields) {
  do {
    if (!lines_.next(line_)) return false;
    if (lines_.line_number() == 1) drop_mark(line_);
  } while (line_.find_first_not_of(" \t") == std::string::npos);
  const json::Value value = json::parse(line_, where());
  if (value.as_object() == nullptr) fail(ErrorCode::kCorrupt, "{}: is no JSON object", where());
  fields.resize(sources_.size());
  for (std::size_t c = 0; c < sources_.size(); ++c) {
    const json::Value* found = sources_[c].empty() ? nullptr : find_path(value, sources_[c]);
    fields[c] = found == nullptr ? "" : text_of(*found, where());
  }
  return true;
}

std::string RecordReader::where() const { return fmt::format("{}:{}", file_.path.string(), lines_.line_number()); }

std::vector<std::string> source_names(const FileSpec& file) {
  LineReader lines(file.path);
  std::string line;
  std::vector<std::string> names;
  if (file.format == Format::kTable) {
    if (!lines.next(line)) return names;
    drop_mark(line);
    std::size_t n = 0;
    (void)split_cells(line, file.delimiter, names, n);
    names.resize(n);
    return names;
  }
  while (lines.line_number() < 100 && lines.next(line)) {
    if (lines.line_number() == 1) drop_mark(line);
    if (line.empty()) continue;
    collect_paths(json::parse(line, fmt::format("{}:{}", file.path.string(), lines.line_number())), "", names);
  }
  return names;
}

std::vector<std::string> split_list(std::string_view field, std::string_view separator) {
  std::vector<std::string> out;
  const std::string_view stops = ";|,";
  const std::string_view list(&kListSeparator, 1);
  if (field.find(kListSeparator) != std::string_view::npos) separator = list;
  while (!field.empty()) {
    const std::size_t at = separator.empty() ? field.find_first_of(stops) : field.find(separator);
    const std::size_t end = std::min(at, field.size());
    std::string_view entry = field.substr(0, end);
    while (!entry.empty() && entry.front() == ' ') entry.remove_prefix(1);
    while (!entry.empty() && entry.back() == ' ') entry.remove_suffix(1);
    if (!entry.empty()) out.emplace_back(entry);
    if (at == std::string_view::npos) break;
    field.remove_prefix(end + (separator.empty() ? 1 : separator.size()));
  }
  return out;
}

double parse_number(std::string_view text, Column column, const std::string& where) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code == std::errc() && end == text.data() + text.size() && std::isfinite(value)) return value;
  if (column == Column::kAt) {
    if (const auto at = parse_time(text)) return static_cast<double>(at->time_since_epoch().count()) * 1e-6;
    fail(ErrorCode::kCorrupt, "{}: the time \"{}\" is neither epoch seconds nor a date", where, text);
  }
  fail(ErrorCode::kCorrupt, "{}: the {} \"{}\" is no number", where, name_of(column), text);
}

}  // namespace lodestone::evaluation
