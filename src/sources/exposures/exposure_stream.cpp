#include "sources/exposures/exposure_stream.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace lodestone::sources {
namespace {

using table::ColumnType;

/// Text members of a line and of its context, in the order of the columns.
constexpr std::array<std::string_view, 10> kContextTexts = {"endpoint",       "slot",        "variant",     "experiment_variant",
                                                            "degrade_reason", "source",      "device_type", "locale",
                                                            "client_app",     "model_run_id"};

table::Schema make_schema() {
  table::Schema schema;
  const auto add = [&](std::string_view name, ColumnType type) {
    table::Column column;
    column.name = name;
    column.type = type;
    schema.push_back(column);
  };
  add("log_file", ColumnType::kText);
  for (const std::string_view name : {"log_offset", "position"}) add(name, ColumnType::kInt64);
  add("request_id", ColumnType::kText);
  for (const std::string_view name : {"item_id", "user_id"}) add(name, ColumnType::kInt64);
  add("visitor_id", ColumnType::kText);
  add("page_id", ColumnType::kInt64);
  add("at", ColumnType::kTimestamp);
  add("score", ColumnType::kDouble);
  add("reason", ColumnType::kText);
  add("propensity", ColumnType::kDouble);
  add("algorithm_version", ColumnType::kText);
  for (const std::string_view name : kContextTexts) add(name, ColumnType::kText);
  add("feature_snapshot_id", ColumnType::kText);
  add("unread_line", ColumnType::kText);
  return schema;
}

const std::string* text_of(const json::Value* value) { return value == nullptr ? nullptr : value->as_string(); }

/// Whether a line says what a row cannot do without.
bool is_exposure(const json::Value& document) {
  const std::string* at = text_of(document.find("timestamp"));
  const json::Value* items = document.find("items");
  if (text_of(document.find("request_id")) == nullptr || at == nullptr || !parse_time(*at) || items == nullptr ||
      items->as_array() == nullptr) {
    return false;
  }
  return std::all_of(items->as_array()->begin(), items->as_array()->end(), [](const json::Value& item) {
    const json::Value* id = item.find("dataset_id");
    return id != nullptr && id->as_int() != nullptr;
  });
}

/// Puts the columns of one row, in order.
class RowWriter {
 public:
  explicit RowWriter(table::Batch& batch) : batch_(batch) {}
  void put_text(const std::string* text) {
    if (text == nullptr) return put_null();
    batch_.append_text(column_++, *text);
  }
  void put_text(const json::Value* value) { put_text(text_of(value)); }
  void put_int(const std::int64_t* number) {
    if (number == nullptr) return put_null();
    batch_.append_int(column_++, *number);
  }
  void put_int(std::int64_t number) { put_int(&number); }
  void put_int(const json::Value* value) { put_int(value == nullptr ? nullptr : value->as_int()); }
  void put_number(const json::Value* value) {
    const std::optional<double> number = value == nullptr ? std::nullopt : value->as_number();
    if (!number) return put_null();
    batch_.append_double(column_++, *number);
  }
  void put_null() { batch_.append_null(column_++); }

 private:
  table::Batch& batch_;
  std::size_t column_ = 0;
};

std::map<std::string, std::uint64_t> parse_position(std::string_view text) {
  std::map<std::string, std::uint64_t> out;
  if (text.empty()) return out;
  const json::Value document = json::parse(text, "position in the exposure logs");
  if (document.as_object() == nullptr) fail(ErrorCode::kCorrupt, "position in the exposure logs is no object: {}", text);
  for (const json::Member& member : *document.as_object()) {
    const std::int64_t* bytes = member.value.as_int();
    if (bytes == nullptr || *bytes < 0) fail(ErrorCode::kCorrupt, "position in the exposure logs: {} has no length", member.key);
    out[member.key] = static_cast<std::uint64_t>(*bytes);
  }
  return out;
}

}  // namespace

ExposureStream::ExposureStream(fs::path folder, std::string_view position, std::uint64_t max_bytes)
    : folder_(std::move(folder)), schema_(make_schema()), bytes_left_(max_bytes) {
  if (!fs::is_directory(folder_)) {
    fail(ErrorCode::kNotFound,
         "there is no folder {} with exposure logs; set source.exposures to where lodestone serve writes them", folder_.string());
  }
  const std::map<std::string, std::uint64_t> known = parse_position(position);
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder_)) {
    std::error_code gone;
    if (entry.path().extension() != ".jsonl" || !entry.is_regular_file(gone)) continue;
    LogFile file;
    file.name = entry.path().lexically_relative(folder_).generic_string();
    file.bytes = entry.file_size(gone);
    if (gone) continue;
    if (const auto found = known.find(file.name); found != known.end()) file.read = std::min(found->second, file.bytes);
    files_.push_back(std::move(file));
  }
  std::sort(files_.begin(), files_.end(), [](const LogFile& a, const LogFile& b) { return a.name < b.name; });
}

std::uint64_t ExposureStream::estimated_rows() const {
  constexpr std::uint64_t kBytesPerRow = 100;
  std::uint64_t bytes = 0;
  for (const LogFile& file : files_) bytes += file.bytes - file.read;
  return std::min(bytes, bytes_left_) / kBytesPerRow;
}

bool ExposureStream::has_more() const {
  return std::any_of(files_.begin(), files_.end(), [](const LogFile& file) { return file.read < file.bytes; });
}

std::string ExposureStream::position() const {
  json::Value out = json::Object{};
  for (const LogFile& file : files_) out.set(file.name, json::Value(static_cast<std::int64_t>(file.read)));
  return json::format(out);
}

bool ExposureStream::next(table::Batch& batch) {
  batch.clear();
  while (!batch.full()) {
    if (next_item_ < n_line_items_) {
      append_rows(batch);
    } else if (!next_line()) {
      break;
    }
  }
  return batch.n_rows() > 0;
}

/// The next line that has its end, in this file or the next.
bool ExposureStream::next_line() {
  for (; file_ < files_.size() && bytes_left_ > 0; ++file_) {
    LogFile& file = files_[file_];
    if (!is_open_) {
      if (file.read == file.bytes) continue;
      input_.clear();
      input_.open(folder_ / file.name, std::ios::binary);
      input_.seekg(static_cast<std::streamoff>(file.read));
      is_open_ = true;
    }
    if (std::getline(input_, line_) && !input_.eof()) {
      line_offset_ = file.read;
      line_file_ = file.name;
      const std::uint64_t n_bytes = line_.size() + 1;
      file.read += n_bytes;
      bytes_left_ -= std::min(bytes_left_, n_bytes);
      ++n_lines_;
      try {
        document_ = json::parse(line_, file.name);
        if (!is_exposure(document_)) document_ = json::Value();
      } catch (const Error&) {
        document_ = json::Value();
      }
      next_item_ = 0;
      n_line_items_ = document_.is_null() ? 1 : document_.find("items")->as_array()->size();
      return true;
    }
    // What is left has no line feed yet, so it looks as if all were read until the file has grown again.
    file.bytes = file.read;
    input_.close();
    is_open_ = false;
  }
  return false;
}

void ExposureStream::append_rows(table::Batch& batch) {
  for (; next_item_ < n_line_items_ && !batch.full(); ++next_item_) {
    if (document_.is_null()) {
      append_row(batch, 0, nullptr);
    } else {
      append_row(batch, static_cast<std::int64_t>(next_item_) + 1, &(*document_.find("items")->as_array())[next_item_]);
    }
  }
}

void ExposureStream::append_row(table::Batch& batch, std::int64_t position, const json::Value* item) const {
  RowWriter row(batch);
  row.put_text(&line_file_);
  row.put_int(static_cast<std::int64_t>(line_offset_));
  row.put_int(position);
  if (item == nullptr) {
    for (std::size_t c = 3; c + 1 < schema_.size(); ++c) row.put_null();
    row.put_text(&line_);
    return batch.end_row();
  }
  row.put_text(document_.find("request_id"));
  row.put_int(item->find("dataset_id"));
  row.put_int(document_.find("user_id"));
  row.put_text(document_.find("visitor_id"));
  row.put_int(document_.find("page_id"));
  row.put_int(parse_time(*document_.find("timestamp")->as_string())->time_since_epoch().count());
  row.put_number(item->find("score"));
  row.put_text(item->find("reason"));
  row.put_number(item->find("propensity"));
  row.put_text(document_.find("algorithm_version"));
  const json::Value* context = document_.find("context");
  for (const std::string_view name : kContextTexts) row.put_text(context == nullptr ? nullptr : context->find(name));
  row.put_text(context == nullptr ? nullptr : context->find("feature_snapshot_id"));
  row.put_null();
  batch.end_row();
}

}  // namespace lodestone::sources
