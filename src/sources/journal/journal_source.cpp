#include "sources/journal/journal_source.hpp"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <charconv>
#include <fstream>
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

/// What ends a line: its check and the line feed.
constexpr std::size_t kCheckDigits = 16;
constexpr std::string_view kCheckKey = ",\"check\":\"";
constexpr std::size_t kTail = kCheckKey.size() + kCheckDigits + 2;

std::string tail_of(std::string_view check) { return fmt::format("{}{}\"}}", kCheckKey, check); }

/// The line without its last member, when that is the check of it.
std::optional<std::string_view> checked(std::string_view line) {
  if (line.size() < kTail) return std::nullopt;
  const std::string_view body = line.substr(0, line.size() - kTail);
  if (line.substr(body.size()) != tail_of(fmt::format("{:016x}", xxh3(body)))) return std::nullopt;
  return body;
}

struct Segment {
  std::uint64_t number = 0;
  fs::path path;
};

std::vector<Segment> list_segments(const fs::path& folder) {
  std::vector<Segment> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (const auto number = segment_number(entry.path())) found.push_back({*number, entry.path()});
  }
  std::ranges::sort(found, {}, &Segment::number);
  return found;
}

/// How far a journal was read.
struct Position {
  std::string segment;     ///< "" = not at all
  std::uint64_t read = 0;  ///< bytes of it, whole lines
  std::string check;       ///< of the last of these lines; "" = there is none

  static Position parse(std::string_view text) {
    if (text.empty()) return {};
    const json::Value document = json::parse(text, "position in the journal of posted events");
    const json::Value* segment = document.find("segment");
    const json::Value* read = document.find("read");
    const json::Value* check = document.find("check");
    if (segment == nullptr || segment->as_string() == nullptr || read == nullptr || read->as_int() == nullptr ||
        *read->as_int() < 0 || check == nullptr || check->as_string() == nullptr) {
      fail(ErrorCode::kCorrupt,
           "the position in the journal of posted events is \"{}\", expected an object with segment, read and check; run "
           "lodestone "
           "extract --full",
           text);
    }
    return {*segment->as_string(), static_cast<std::uint64_t>(*read->as_int()), *check->as_string()};
  }
  [[nodiscard]] std::string format() const {
    json::Value out = json::Object{};
    out.set("segment", json::Value(segment));
    out.set("read", json::Value(static_cast<std::int64_t>(read)));
    out.set("check", json::Value(check));
    return json::format(out);
  }
};

/// Whether what was read of the file is what stands there now. A server cuts a line back that it could not write whole.
bool still_holds(std::ifstream& file, const Position& position) {
  if (position.read == 0) return true;
  std::string tail(kTail + 1, '\0');
  if (position.read < tail.size()) return false;
  file.seekg(static_cast<std::streamoff>(position.read - tail.size()));
  file.read(tail.data(), static_cast<std::streamsize>(tail.size()));
  return file.good() && tail == tail_of(position.check) + "\n";
}

class JournalStream final : public table::RowStream {
 public:
  /// Tells `told` how far it has read, whenever that has changed.
  JournalStream(std::vector<Segment> segments, Position from, std::string& told)
      : segments_(std::move(segments)), position_(std::move(from)), told_(told) {
    // A file that is gone was read, or the server needed its place; another file of its name is another journal.
    const auto last =
        std::ranges::find(segments_, position_.segment, [](const Segment& one) { return one.path.filename().string(); });
    if (last == segments_.end()) {
      position_ = {};
    } else {
      at_ = static_cast<std::size_t>(last - segments_.begin());
    }
    std::error_code ignored;
    for (std::size_t s = at_; s < segments_.size(); ++s) bytes_ += fs::file_size(segments_[s].path, ignored);
    bytes_ -= std::min(bytes_, position_.read);
  }
  [[nodiscard]] const table::Schema& schema() const override { return schema_of_lines(); }
  [[nodiscard]] std::uint64_t estimated_rows() const override {
    constexpr std::uint64_t kBytesOfLine = 250;
    return bytes_ / kBytesOfLine;
  }
  bool next(table::Batch& batch) override {
    batch.clear();
    while (!batch.full() && next_line()) {
      const auto body = checked(line_);
      if (!body) {
        ++n_damaged_;  // the last line may be one that is being written, so it is looked at again until others follow
        continue;
      }
      tell_damage();
      position_.read = offset_;
      position_.check = line_.substr(line_.size() - 2 - kCheckDigits, kCheckDigits);
      add(*body, batch);
    }
    if (!position_.segment.empty()) told_ = position_.format();
    return batch.n_rows() > 0;
  }

 private:
  /// The next line that has its end.
  bool next_line() {
    for (; at_ < segments_.size(); ++at_, file_.close()) {
      if (!file_.is_open() && !open()) continue;
      if (std::getline(file_, line_) && !file_.eof()) {
        offset_ += line_.size() + 1;
        return true;
      }
      if (at_ + 1 == segments_.size()) return false;
      tell_damage();
    }
    return false;
  }

  bool open() {
    const fs::path& path = segments_[at_].path;
    file_.clear();
    file_.open(path, std::ios::binary);
    if (!file_.is_open()) return false;  // the server has removed it
    const std::string name = path.filename().string();
    if (position_.segment != name) {
      position_ = {.segment = name, .read = 0, .check = ""};
    } else if (!still_holds(file_, position_)) {
      log_warn("sources", "{}: it is not what was read of it; it is read again from its beginning", path.string());
      position_ = {.segment = name, .read = 0, .check = ""};
    }
    file_.clear();
    offset_ = position_.read;
    file_.seekg(static_cast<std::streamoff>(offset_));
    return true;
  }

  void tell_damage() {
    if (n_damaged_ > 0) log_warn("sources", "{}: {} damaged lines are left out", segments_[at_].path.string(), n_damaged_);
    n_damaged_ = 0;
  }

  void add(std::string_view body, table::Batch& batch) {
    const json::Value event = json::parse(std::string(body) + "}", segments_[at_].path.string());
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

  std::vector<Segment> segments_;
  std::size_t at_ = 0;
  std::uint64_t bytes_ = 0;
  std::ifstream file_;
  std::string line_;
  std::uint64_t offset_ = 0;     ///< behind it
  std::uint64_t n_damaged_ = 0;  ///< lines since the last good one
  Position position_;
  std::string& told_;
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
  TableSnapshot out;
  out.table = table;
  out.stream = rows_after(table, "");
  return out;
}

std::unique_ptr<table::RowStream> JournalSource::rows_after(const std::string&, std::string_view position) {
  position_ = position;
  return std::make_unique<JournalStream>(list_segments(folder_), Position::parse(position), position_);
}

}  // namespace lodestone::sources
