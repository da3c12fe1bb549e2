#pragma once
// The SQL engine behind one port: DuckDB embedded, with a memory budget beyond which it spills to disk. Reads and writes Parquet; its
// errors come out as ours, in a sentence.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/progress.hpp"
#include "table/batch.hpp"
#include "table/chunk.hpp"
#include "table/sql_text.hpp"

namespace lodestone::table {

/// A column of a query with its type as SQL spells it, "DECIMAL(18,4)".
struct ColumnDescription {
  std::string name;
  std::string sql_type;
};

/// One connection to an in-memory database that lives as long as the object. Time zone UTC; no extension is ever loaded or fetched.
/// One thread at a time; inside, it uses n_threads.
///
/// Errors: a missing table or column, and a value that does not fit, give contract; bad SQL gives invalid_argument; a full disk, a file that
/// cannot be read or a used-up memory budget give unavailable; a damaged Parquet file gives corrupt.
class Engine {
 public:
  struct Options {
    std::uint64_t memory_budget_bytes = 1ULL << 30;  ///< of the engine's own buffers; less spills earlier and is slower
    int n_threads = 0;                               ///< 0 = usable cores
    fs::path temp_folder;                            ///< for spilling, made when needed; "" = a query beyond the budget fails
  };

  explicit Engine(const Options& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Runs statements whose result does not matter.
  void execute(const std::string& sql);

  /// Runs one query and hands its rows over in pieces, in constant memory. The order is that of ORDER BY; without one it is any. An
  /// exception of `each` ends the query and leaves through here.
  std::vector<ResultColumn> query(const std::string& sql, const std::function<void(const Chunk&)>& each);
  /// Columns of a query without running it.
  std::vector<ResultColumn> describe(const std::string& sql);
  std::vector<ColumnDescription> describe_types(const std::string& sql);

  /// First value of the first row; nothing when it is null or there is no row.
  std::optional<std::int64_t> query_int(const std::string& sql);
  std::optional<double> query_double(const std::string& sql);
  std::optional<std::string> query_text(const std::string& sql);

  /// Writes a query's rows as Parquet (zstd), atomically and durably: a file beside `path`, fsync, rename. Returns the number of rows.
  /// On any error `path` is as it was and nothing is left beside it.
  std::uint64_t write_parquet(const std::string& select_sql, const fs::path& path);

  /// Writes a stream as Parquet in constant memory: one thread reads ahead while the engine encodes. An error of the stream comes out as
  /// it is. `select_sql` may shape the rows, which it reads as the table `stream_rows`; `progress` may be nullptr.
  std::uint64_t write_parquet(RowStream& stream, const fs::path& path, Progress* progress);
  std::uint64_t write_parquet(RowStream& stream, const std::string& select_sql, const fs::path& path, Progress* progress);

  /// Runs `work`, in which the table stream_rows yields the stream's rows, once. An error of the stream comes out as it is, in place of the one
  /// that it causes in `work`.
  void read_stream(RowStream& stream, Progress* progress, const std::function<void()>& work);

  /// Runs `work`, whose queries pass their rows through tally(), and tells `progress` meanwhile how many did; how many there will be follows
  /// from the share of its input that the engine has read.
  void with_progress(Progress& progress, const std::function<void()>& work);

  /// Rows that the function tally(reason TEXT) -> BOOLEAN has seen since the last call, by reason: a filter `WHERE tally(reason)` keeps rows
  /// whose reason is null and counts the others, in the same pass.
  std::map<std::string, std::uint64_t> take_tally();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Throws contract unless `key` is unique (and never null) in its table, naming the key and an example. Constant memory for dense integer
/// keys, else it spills. `origin` says who needs it.
void check_unique(Engine& engine, const UniqueKey& key, const std::string& origin);

/// True when no two rows of `table` (SQL text: a quoted name or a subquery) have the same values in `columns`.
bool is_unique(Engine& engine, const std::string& table, const std::vector<std::string>& columns);

}  // namespace lodestone::table
