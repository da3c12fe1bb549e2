#include "lake/csv_stream.hpp"

#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "table/utf8.hpp"

namespace lodestone::lake {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 20;
// A longer record is taken for one whose quote never ends.
constexpr std::size_t kLongestRecord = std::size_t{4} << 20;
constexpr std::size_t kLongestShown = std::size_t{64} << 10;

/// Ends of line outside of quotes.
std::uint64_t count_records(std::string_view text) {
  std::uint64_t n = 0;
  bool is_inside = false;
  for (const char c : text) {
    if (c == '"') is_inside = !is_inside;
    if (c == '\n' && !is_inside) ++n;
  }
  return n;
}

std::string undoubled(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] == '"') ++i;
  }
  return out;
}

}  // namespace

struct CsvStream::File {
  explicit File(const fs::path& p) : path(p), stream(gzopen(p.c_str(), "rb")) {
    if (stream == nullptr)
      fail(ErrorCode::kUnavailable, "{}: cannot be opened; check that it is there and may be read", path.string());
    gzbuffer(stream, 1U << 18U);
    std::error_code ignored;
    size = fs::file_size(path, ignored);
    if (ignored) size = 0;  // a pipe has none
  }
  ~File() { gzclose(stream); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::size_t read(char* out, std::size_t n) {
    const int got = gzread(stream, out, static_cast<unsigned>(n));
    int code = Z_OK;
    const char* text = gzerror(stream, &code);
    if (got < 0 || (code != Z_OK && code != Z_STREAM_END)) {
      fail(ErrorCode::kCorrupt, "{}: the file is damaged or cut ({}); copy it again", path.string(), text);
    }
    n_read += static_cast<std::uint64_t>(got);
    return static_cast<std::size_t>(got);
  }

  fs::path path;
  gzFile stream;
  std::uint64_t size = 0;    // as it lies on disk
  std::uint64_t n_read = 0;  // unpacked
};

CsvStream::CsvStream(const fs::path& path) : file_(std::make_unique<File>(path)) {
  fill(0);
  if (buffer_.starts_with("\xEF\xBB\xBF")) begin_ = 3;
  Record record;
  if (!next_record(record)) {
    fail(ErrorCode::kContract, "{}: has no header line; a CSV file must begin with the names of its columns", path.string());
  }
  if (!record.fault.empty())
    fail(ErrorCode::kContract, "{}: the header line is malformed: {}; correct it", path.string(), record.fault);
  for (const Field& field : fields_) header_.push_back(field.is_quoted ? undoubled(field.text) : std::string(field.text));
  begin_ = record.end;
  line_ += record.n_lines;
  first_rows_ = count_records(std::string_view(buffer_).substr(begin_));
  for (std::size_t i = 0; i < header_.size(); ++i) schema_.push_back({fmt::format("c{}", i), table::ColumnType::kText});
  schema_.push_back({"line", table::ColumnType::kInt64});
  schema_.push_back({"fault", table::ColumnType::kText});
  schema_.push_back({"malformed_line", table::ColumnType::kText});
}

CsvStream::~CsvStream() = default;

bool CsvStream::next(table::Batch& batch) {
  batch.clear();
  Record record;
  while (!batch.full() && next_record(record)) {
    append(record, batch);
    begin_ = record.end;
    line_ += record.n_lines;
  }
  n_rows_ += batch.n_rows();
  return batch.n_rows() > 0;
}

std::uint64_t CsvStream::estimated_rows() const {
  // What waits in the buffer was read but not given out, but for the first block, whose records are counted ahead.
  const std::uint64_t rows = n_rows_ > 0 ? n_rows_ : first_rows_;
  const std::uint64_t waiting = n_rows_ > 0 ? buffer_.size() - begin_ : 0;
  const auto share_given = static_cast<double>(file_->n_read - waiting) / static_cast<double>(file_->n_read);
  const double on_disk = static_cast<double>(gzoffset(file_->stream)) * share_given;
  if (rows == 0 || !(on_disk > 0)) return 0;
  return static_cast<std::uint64_t>(static_cast<double>(rows) * std::max(1.0, static_cast<double>(file_->size) / on_disk));
}

// Reads another block behind what is kept from `keep_from` on; false at the end of the file.
bool CsvStream::fill(std::size_t keep_from) {
  if (is_exhausted_) return false;
  buffer_.erase(0, keep_from);
  begin_ -= std::min(begin_, keep_from);
  const std::size_t old_size = buffer_.size();
  buffer_.resize(old_size + kBlock);
  const std::size_t got = file_->read(buffer_.data() + old_size, kBlock);
  buffer_.resize(old_size + got);
  is_exhausted_ = got == 0;
  return got > 0;
}

// Finds the record at begin_, skipping empty lines; false at the end of the file.
bool CsvStream::next_record(Record& record) {
  while (true) {
    while (begin_ < buffer_.size() && (buffer_[begin_] == '\n' || buffer_.compare(begin_, 2, "\r\n") == 0)) {
      begin_ += buffer_[begin_] == '\n' ? 1U : 2U;
      ++line_;
    }
    const bool is_last_return = begin_ + 1 == buffer_.size() && buffer_[begin_] == '\r';
    if (begin_ < buffer_.size() && !is_last_return && scan_record(record, is_exhausted_)) break;
    if (!fill(begin_)) {
      if (begin_ == buffer_.size()) return false;
      if (scan_record(record, true)) break;
    }
  }
  const std::string_view text = std::string_view(buffer_).substr(begin_, record.end - begin_);
  if (record.fault.empty() && !table::is_utf8(text)) record.fault = "is no UTF-8 text";
  return true;
}

// Splits the record at begin_ into fields_; false when the buffer ends before the record does and more may come.
bool CsvStream::scan_record(Record& record, bool at_end) {
  record = {};
  fields_.clear();
  std::size_t at = begin_;
  const char* data = buffer_.data();
  const std::size_t size = buffer_.size();
  while (true) {
    if (at < size && data[at] == '"') {
      if (!scan_quoted(at, record, at_end)) return false;
      if (!record.fault.empty()) return record.end != 0;
    } else {
      const std::size_t start = at;
      while (at < size && data[at] != ',' && data[at] != '\n' && data[at] != '"') ++at;
      if (at == size && !at_end) return false;
      if (at < size && data[at] == '"') {
        record.fault = "has a quote inside a value that is not quoted";
        skip_line(at, record);
        return record.end != 0 || at_end;
      }
      std::size_t end = at;
      if ((at == size || data[at] == '\n') && end > start && data[end - 1] == '\r') --end;
      fields_.push_back({std::string_view(data + start, end - start), false});
    }
    if (at < size && data[at] == ',') {
      ++at;
      continue;
    }
    record.end = at < size ? at + 1 : size;
    return true;
  }
}

// `at` is on the opening quote, and behind the closing one afterwards.
bool CsvStream::scan_quoted(std::size_t& at, Record& record, bool at_end) {
  const char* data = buffer_.data();
  const std::size_t size = buffer_.size();
  const std::size_t start = at + 1;
  std::size_t scan = start;
  while (true) {
    const auto* quote = scan < size ? static_cast<const char*>(std::memchr(data + scan, '"', size - scan)) : nullptr;
    const bool is_endless = quote == nullptr && (at_end || size - begin_ > kLongestRecord);
    if (is_endless) {
      // Only the line where the record begins is given up: what follows may be whole records.
      record.fault = "has a quote that never ends";
      record.n_lines = 1;
      skip_line(begin_, record);
      return record.end != 0;
    }
    if (quote == nullptr) return false;
    scan = static_cast<std::size_t>(quote - data) + 1;
    if (scan == size && !at_end) return false;
    if (scan < size && data[scan] == '"') {
      ++scan;
      continue;
    }
    break;
  }
  const std::string_view text(data + start, scan - 1 - start);
  record.n_lines += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  fields_.push_back({text, true});
  at = scan;
  if (at < size && data[at] == '\r') {
    if (at + 1 == size && !at_end) return false;
    if (at + 1 < size && data[at + 1] == '\n') ++at;
  }
  if (at < size && data[at] != ',' && data[at] != '\n') {
    record.fault = "has text after a closing quote";
    skip_line(at, record);
    return record.end != 0;
  }
  return true;
}

// Ends the record at the end of the line of `from`; leaves end 0 when that is not in the buffer yet.
void CsvStream::skip_line(std::size_t from, Record& record) const {
  const std::size_t newline = buffer_.find('\n', from);
  record.end = newline != std::string::npos                                ? newline + 1
               : is_exhausted_ || buffer_.size() - begin_ > kLongestRecord ? buffer_.size()
                                                                           : 0;
}

void CsvStream::append(const Record& record, table::Batch& batch) {
  const std::size_t n = header_.size();
  std::string_view fault = record.fault;
  if (fault.empty() && fields_.size() != n) fault = fields_.size() < n ? "has too few values" : "has too many values";
  for (std::size_t c = 0; c < n; ++c) {
    if (!fault.empty()) {
      batch.append_null(c);
      continue;
    }
    const Field& field = fields_[c];
    if (!field.is_quoted) {
      field.text.empty() || field.text == "\\N" ? batch.append_null(c) : batch.append_text(c, field.text);
    } else if (field.text.find('"') == std::string_view::npos) {
      batch.append_text(c, field.text);
    } else {
      batch.append_text(c, undoubled(field.text));
    }
  }
  batch.append_int(n, static_cast<std::int64_t>(line_));
  if (fault.empty()) {
    batch.append_null(n + 1);
    batch.append_null(n + 2);
  } else {
    std::string_view text = std::string_view(buffer_).substr(begin_, std::min(record.end - begin_, kLongestShown));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
    batch.append_text(n + 1, fault);
    batch.append_text(n + 2, text);
  }
  batch.end_row();
}

}  // namespace lodestone::lake
