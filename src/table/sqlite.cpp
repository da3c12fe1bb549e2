#include "table/sqlite.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/error.hpp"

namespace lodestone::table {
namespace {

/// SQLite reads a path as a URI with ? and % in it, so those are written as that wants them.
std::string file_uri(const fs::path& path) {
  std::string out = "file:";
  for (const char c : path.string()) {
    if (c == '?' || c == '#' || c == '%') {
      out += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
  }
  return out + "?immutable=1";
}

}  // namespace

void SqliteFile::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }
void SqliteStatement::Close::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

SqliteFile::SqliteFile(fs::path path, int flags) : path_(std::move(path)) {
  const std::string name = (flags & SQLITE_OPEN_URI) != 0 ? file_uri(path_) : path_.string();
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &opened, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  database_.reset(opened);
  if (code != SQLITE_OK) fail_with(code);
}

SqliteFile SqliteFile::create(const fs::path& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
  SqliteFile out(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  out.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE");
  return out;
}

SqliteFile SqliteFile::open(const fs::path& path) {
  if (!fs::is_regular_file(path)) fail(ErrorCode::kNotFound, "there is no {}", path.string());
  return {path, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI};
}

void SqliteFile::execute(const std::string& sql) {
  const int code = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail_with(code);
}

SqliteStatement SqliteFile::prepare(const std::string& sql) const {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(database_.get(), sql.c_str(), -1, &statement, nullptr);
  if (code != SQLITE_OK) fail_with(code);
  return {*this, statement};
}

void SqliteFile::fail_with(int code) const {
  const bool is_damage = code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR;
  fail(is_damage ? ErrorCode::kCorrupt : ErrorCode::kUnavailable, "{}: {}", path_.string(),
       database_ ? sqlite3_errmsg(database_.get()) : sqlite3_errstr(code));
}

SqliteStatement::SqliteStatement(const SqliteFile& file, sqlite3_stmt* statement) : file_(&file), statement_(statement) {}

void SqliteStatement::check(int code) const {
  if (code != SQLITE_OK) file_->fail_with(code);
}

SqliteStatement& SqliteStatement::bind(int parameter, std::int64_t value) {
  check(sqlite3_bind_int64(statement_.get(), parameter, value));
  return *this;
}

SqliteStatement& SqliteStatement::bind(int parameter, std::string_view text) {
  check(sqlite3_bind_text64(statement_.get(), parameter, text.data(), text.size(), nullptr, SQLITE_UTF8));
  return *this;
}

SqliteStatement& SqliteStatement::bind(int parameter, std::span<const std::byte> bytes) {
  check(sqlite3_bind_blob64(statement_.get(), parameter, bytes.data(), bytes.size(), nullptr));
  return *this;
}

bool SqliteStatement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) file_->fail_with(code);
  return false;
}

void SqliteStatement::run() {
  while (step()) {
  }
  check(sqlite3_reset(statement_.get()));
}

bool SqliteStatement::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }
std::int64_t SqliteStatement::int_at(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string_view SqliteStatement::text_at(int column) const {
  const std::span<const std::byte> bytes = bytes_at(column);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> SqliteStatement::bytes_at(int column) const {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_.get(), column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

}  // namespace lodestone::table
