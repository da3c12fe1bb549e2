#include "sources/journal/journal_source.hpp"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/json.hpp"
#include "base/log.hpp"

namespace lodestone::sources {
namespace {

using table::ColumnType;

/// Members of a line, as columns.
const table::Schema& schema_of_lines() {
  static const table::Schema schema = {
      {.name = "event_id"},
      {.name = "kind"},
      {.name = "user_id", .type = ColumnType::kInt64},
      {.name = "visitor_id"},
      {.name = "session_id"},
      {.name = "dataset_id", .type = ColumnType::kInt64},
      {.name = "at", .type = ColumnType::kTimestamp},
      {.name = "value", .type = ColumnType::kDouble},
      {.name = "request_id"},
      {.name = "position", .type = ColumnType::kInt64},
      {.name = "received_at", .type = ColumnType::kTimestamp},
  };
  return schema;
}

/// n of "20261124T093000Z-n.jsonl"; none for other names.
std::optional<std::uint64_t> segment_number(const fs::path& path) {
  const std::string name = path.filename().string();
  const std::size_t dash = name.find('-');
  const std::size_t dot = name.rfind(".jsonl");
  if (dash == std::string::npos || dot == std::string::npos || dot + 6 != name.size()) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data() + dash + 1, name.data() + dot, number);
  return error == std::errc() && end == name.data() + dot ? std::optional(number) : std::nullopt;
}

/// The line without its last member, when that is the check of it.
std::optional<std::string_view> checked(std::string_view line) {
  constexpr std::size_t kTail = sizeof ",\"check\":\"0123456789abcdef\"}" - 1;
  if (line.size() < kTail) return std::nullopt;
  const std::string_view body = line.substr(0, line.size() - kTail);
  if (line.substr(body.size()) != fmt::format(",\"check\":\"{:016x}\"}}", xxh3(body))) return std::nullopt;
  return body;
}

class JournalStream final : public table::RowStream {
 public:
  explicit JournalStream(std::vector<fs::path> segments) : segments_(std::move(segments)) {
    std::error_code ignored;
    for (const fs::path& path : segments_) bytes_ += fs::file_size(path, ignored);
  }
  [[nodiscard]] const table::Schema& schema() const override { return schema_of_lines(); }
  [[nodiscard]] std::uint64_t estimated_rows() const override {
    constexpr std::uint64_t kBytesOfLine = 250;
    return bytes_ / kBytesOfLine;
  }
  bool next(table::Batch& batch) override {
    batch.clear();
    while (!batch.full()) {
      if (rest_.empty() && !open_next()) break;
      const std::size_t end = rest_.find('\n');
      const std::string_view line = rest_.substr(0, end);
      rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
      const auto body = checked(line);
      if (body) {
        add(*body, batch);
      } else if (!rest_.empty()) {  // the last line may be one that is being written
        log_warn("sources", "{}: a damaged line is left out", file_->path().string());
      }
    }
    return batch.n_rows() > 0;
  }

 private:
  bool open_next() {
    file_.reset();
    if (at_ == segments_.size()) return false;
    if (fs::exists(segments_[at_])) file_.emplace(segments_[at_]);  // the server may have removed it
    ++at_;
    rest_ = file_ ? file_->text() : std::string_view();
    return true;
  }

  void add(std::string_view body, table::Batch& batch) {
    const json::Value event = json::parse(std::string(body) + "}", file_->path().string());
    const auto text = [&](std::string_view key) {
      const json::Value* value = event.find(key);
      return value == nullptr ? nullptr : value->as_string();
    };
    // A group whose flush failed may stand in the journal, and again where it was sent again.
    const std::string* id = text("event_id");
    if (id == nullptr || !known_.insert(xxh3(*id)).second) return;
    const table::Schema& columns = schema();
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const json::Value* value = event.find(columns[c].name);
      const std::string* given = value == nullptr ? nullptr : value->as_string();
      if (columns[c].type == ColumnType::kText && given != nullptr) {
        batch.append_text(c, *given);
      } else if (columns[c].type == ColumnType::kTimestamp && given != nullptr && parse_time(*given)) {
        batch.append_int(c, parse_time(*given)->time_since_epoch().count());
      } else if (columns[c].type == ColumnType::kInt64 && value != nullptr && value->as_int() != nullptr) {
        batch.append_int(c, *value->as_int());
      } else if (columns[c].type == ColumnType::kDouble && value != nullptr && value->as_number()) {
        batch.append_double(c, *value->as_number());
      } else {
        batch.append_null(c);
      }
    }
    batch.end_row();
  }

  std::vector<fs::path> segments_;
  std::size_t at_ = 0;
  std::uint64_t bytes_ = 0;
  std::optional<MappedFile> file_;
  std::string_view rest_;
  absl::flat_hash_set<std::uint64_t> known_;
};

}  // namespace

JournalSource::JournalSource(fs::path folder) : folder_(std::move(folder)) {
  if (!fs::is_directory(folder_)) {
    fail(ErrorCode::kNotFound, "the folder of posted events {} is not there; correct serving.events_folder, or leave it empty",
         folder_.string());
  }
}

TableSnapshot JournalSource::snapshot(const std::string& table) {
  struct Numbered {
    std::uint64_t number;
    fs::path path;
  };
  std::vector<Numbered> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_)) {
    if (const auto number = segment_number(entry.path())) found.push_back({*number, entry.path()});
  }
  std::ranges::sort(found, {}, &Numbered::number);
  std::vector<fs::path> segments;
  for (Numbered& one : found) segments.push_back(std::move(one.path));
  TableSnapshot out;
  out.table = table;
  out.stream = std::make_unique<JournalStream>(std::move(segments));
  out.is_addition = true;
  return out;
}

}  // namespace lodestone::sources
