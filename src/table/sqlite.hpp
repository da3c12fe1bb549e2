#pragma once
// One SQLite file: written whole and then only read. Keyed look-ups in milliseconds, and a format that any tool opens.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/file.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace lodestone::table {

class SqliteFile;

/// A prepared statement. Parameters count from 1, columns from 0. It must not outlive its file, nor texts and bytes that are bound be gone or changed before
/// step() or run(). One thread.
class SqliteStatement {
 public:
  SqliteStatement& bind(int parameter, std::int64_t value);
  SqliteStatement& bind(int parameter, std::string_view text);
  SqliteStatement& bind(int parameter, std::span<const std::byte> bytes);
  /// True when there is a row to read.
  bool step();
  /// Runs a statement without rows, and makes it ready for other values.
  void run();

  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t int_at(int column) const;
  /// Valid until the next step().
  [[nodiscard]] std::string_view text_at(int column) const;
  [[nodiscard]] std::span<const std::byte> bytes_at(int column) const;

 private:
  friend class SqliteFile;
  SqliteStatement(const SqliteFile& file, sqlite3_stmt* statement);
  void check(int code) const;

  struct Close {
    void operator()(sqlite3_stmt* statement) const;
  };
  const SqliteFile* file_;
  std::unique_ptr<sqlite3_stmt, Close> statement_;
};

/// Throws not_found for a file that is not there, corrupt for one that SQLite cannot read, unavailable for a full disk. One thread.
class SqliteFile {
 public:
  /// A new file, without a journal: whoever writes it renames it when it is whole.
  static SqliteFile create(const fs::path& path);
  /// For reading alone. The file never changes while it is open, for it is replaced by rename: no lock is taken.
  static SqliteFile open(const fs::path& path);

  void execute(const std::string& sql);
  [[nodiscard]] SqliteStatement prepare(const std::string& sql) const;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  friend class SqliteStatement;
  SqliteFile(fs::path path, int flags);
  [[noreturn]] void fail_with(int code) const;

  struct Close {
    void operator()(sqlite3* database) const;
  };
  fs::path path_;
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace lodestone::table
