#include "table/engine.hpp"

#include <duckdb.h>
#include <fmt/core.h>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "table/chunk_reader.hpp"
#include "table/engine_error.hpp"
#include "table/row_feed.hpp"
#include "table/tally.hpp"

namespace lodestone::table {
namespace {

struct Result {
  duckdb_result value{};
  Result() = default;
  ~Result() { duckdb_destroy_result(&value); }
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;
};

struct Statement {
  duckdb_prepared_statement value = nullptr;
  Statement() = default;
  ~Statement() { duckdb_destroy_prepare(&value); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
};

std::string without_semicolon(std::string sql) {
  while (!sql.empty() && (sql.back() == ';' || sql.back() == ' ' || sql.back() == '\n')) sql.pop_back();
  return sql;
}

class DataChunk {
 public:
  explicit DataChunk(duckdb_data_chunk chunk) : chunk_(chunk) {}
  ~DataChunk() {
    if (chunk_ != nullptr) duckdb_destroy_data_chunk(&chunk_);
  }
  DataChunk(const DataChunk&) = delete;
  DataChunk& operator=(const DataChunk&) = delete;
  [[nodiscard]] duckdb_data_chunk get() const { return chunk_; }

 private:
  duckdb_data_chunk chunk_;
};

}  // namespace

struct Engine::State {
  duckdb_database database = nullptr;
  duckdb_connection connection = nullptr;
  RowFeed* feed = nullptr;
  Tally tally;

  ~State() {
    duckdb_disconnect(&connection);
    duckdb_close(&database);
  }

  void open(const Options& options) {
    duckdb_config config = nullptr;
    duckdb_create_config(&config);
    const int n_threads = options.n_threads > 0 ? options.n_threads : usable_cores();
    const auto set = [&](const char* name, const std::string& value) {
      const duckdb_state ok = duckdb_set_config(config, name, value.c_str());
      LODESTONE_ASSERT(ok == DuckDBSuccess, "setting {} = {} was refused", name, value);
    };
    set("threads", std::to_string(n_threads));
    set("memory_limit", fmt::format("{}B", options.memory_budget_bytes));
    set("temp_directory", options.temp_folder.string());
    set("preserve_insertion_order", "false");  // else a writer cannot use both cores and keeps more in memory
    set("autoinstall_known_extensions", "false");
    set("autoload_known_extensions", "false");
    char* text = nullptr;
    const duckdb_state ok = duckdb_open_ext(nullptr, &database, config, &text);
    duckdb_destroy_config(&config);
    const std::string reason = text == nullptr ? "" : text;
    duckdb_free(text);
    if (ok != DuckDBSuccess) fail_with_engine_text("cannot start the SQL engine", reason);
    if (duckdb_connect(database, &connection) != DuckDBSuccess) {
      fail(ErrorCode::kUnavailable, "cannot connect to the SQL engine inside this process; is memory used up?");
    }
    register_row_feed(connection, &feed, n_threads);
    register_tally(connection, &tally);
  }

  void execute(const std::string& sql, std::string_view subject) {
    Result result;
    if (duckdb_query(connection, sql.c_str(), &result.value) != DuckDBSuccess) {
      const char* text = duckdb_result_error(&result.value);
      fail_with_engine_text(subject, text == nullptr ? "unknown error" : text);
    }
  }

  // Prepares `sql`; columns of types that Chunk cannot read are cast to text by a query around it.
  std::vector<ResultColumn> prepare(const std::string& sql, Statement& statement) {
    prepare_as_it_is(sql, statement);
    const std::string wrapped = wrap_unreadable(statement.value, sql);
    if (!wrapped.empty()) {
      duckdb_destroy_prepare(&statement.value);
      prepare_as_it_is(wrapped, statement);
    }
    return result_columns(statement.value);
  }

  void prepare_as_it_is(const std::string& sql, Statement& statement) {
    if (duckdb_prepare(connection, sql.c_str(), &statement.value) != DuckDBSuccess) {
      const char* text = duckdb_prepare_error(statement.value);
      fail_with_engine_text("", text == nullptr ? "unknown error" : text);
    }
  }
};

Engine::Engine(const Options& options) : state_(std::make_unique<State>()) {
  if (!options.temp_folder.empty()) make_folders(options.temp_folder);
  state_->open(options);
  // The functions that the SQL subset takes from Spark and the engine lacks; docs/decisions/0010-sql-subset.md lists them.
  execute(
      "SET TimeZone = 'UTC';"
      // counted for with_progress(), drawn by ours
      "SET enable_progress_bar = true; SET enable_progress_bar_print = false; SET progress_bar_time = 100;"
      "CREATE MACRO to_utc_timestamp(t, zone) AS timezone('UTC', timezone(zone, CAST(t AS TIMESTAMP)));"
      "CREATE MACRO unix_micros(t) AS epoch_us(t);"
      "CREATE MACRO timestamp_micros(n) AS make_timestamp(CAST(n AS BIGINT));"
      "CREATE MACRO pmod(a, n) AS ((a % n) + n) % n;"
      "CREATE MACRO shiftleft(a, n) AS a << n;"
      "CREATE MACRO explode(list) AS unnest(list);"
      "CREATE MACRO split_list(s) AS list_filter("
      "  list_transform(split(replace(s, '；', ';'), ';'), lambda x: trim(x)),"
      "  lambda x, i: x <> '' AND list_position(list_transform(split(replace(s, '；', ';'), ';'), lambda y: trim(y)), x) = i);"
      "CREATE MACRO visitor_key(v) AS -1 - TRY_CAST('0x' || substr(v, 2, 15) AS BIGINT);");
}

Engine::~Engine() = default;

void Engine::execute(const std::string& sql) { state_->execute(sql, ""); }

std::vector<ResultColumn> Engine::describe(const std::string& sql) {
  Statement statement;
  return state_->prepare(without_semicolon(sql), statement);
}

std::vector<ColumnDescription> Engine::describe_types(const std::string& sql) {
  std::vector<ColumnDescription> out;
  query("SELECT column_name, column_type FROM (DESCRIBE " + without_semicolon(sql) + ")", [&](const Chunk& chunk) {
    for (std::size_t row = 0; row < chunk.n_rows(); ++row) {
      out.push_back({std::string(chunk.text_at(0, row)), std::string(chunk.text_at(1, row))});
    }
  });
  return out;
}

std::vector<ResultColumn> Engine::query(const std::string& sql, const std::function<void(const Chunk&)>& each) {
  Statement statement;
  std::vector<ResultColumn> columns = state_->prepare(without_semicolon(sql), statement);
  Result result;
  duckdb_pending_result pending = nullptr;
  duckdb_state ok = duckdb_pending_prepared_streaming(statement.value, &pending);
  if (ok != DuckDBSuccess) {
    const std::string text = pending == nullptr ? "unknown error" : duckdb_pending_error(pending);
    duckdb_destroy_pending(&pending);
    fail_with_engine_text("", text);
  }
  ok = duckdb_execute_pending(pending, &result.value);
  duckdb_destroy_pending(&pending);
  ChunkReader reader(columns);
  while (ok == DuckDBSuccess) {
    const DataChunk chunk(duckdb_fetch_chunk(result.value));
    if (chunk.get() == nullptr || duckdb_data_chunk_get_size(chunk.get()) == 0) break;
    each(reader.read(chunk.get()));
  }
  // A streaming result fails while it is fetched; then the last chunk is missing and the result holds the reason.
  const char* text = duckdb_result_error(&result.value);
  if (ok != DuckDBSuccess || (text != nullptr && *text != '\0'))
    fail_with_engine_text("", text == nullptr ? "unknown error" : text);
  return columns;
}

std::optional<std::int64_t> Engine::query_int(const std::string& sql) {
  std::optional<std::int64_t> value;
  query("SELECT CAST((" + without_semicolon(sql) + ") AS BIGINT)", [&](const Chunk& chunk) {
    if (!chunk.is_null(0, 0)) value = chunk.int_at(0, 0);
  });
  return value;
}

std::optional<double> Engine::query_double(const std::string& sql) {
  std::optional<double> value;
  query("SELECT CAST((" + without_semicolon(sql) + ") AS DOUBLE)", [&](const Chunk& chunk) {
    if (!chunk.is_null(0, 0)) value = chunk.double_at(0, 0);
  });
  return value;
}

std::optional<std::string> Engine::query_text(const std::string& sql) {
  std::optional<std::string> value;
  query("SELECT CAST((" + without_semicolon(sql) + ") AS VARCHAR)", [&](const Chunk& chunk) {
    if (!chunk.is_null(0, 0)) value = std::string(chunk.text_at(0, 0));
  });
  return value;
}

std::uint64_t Engine::write_parquet(const std::string& select_sql, const fs::path& path) {
  fs::path temporary = path;
  temporary += ".tmp";
  const auto remove_quietly = [&] {
    std::error_code ignored;
    fs::remove(temporary, ignored);
  };
  try {
    Result result;
    const std::string sql = fmt::format("COPY ({}) TO {} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)",
                                        without_semicolon(select_sql), quote_literal(temporary.string()));
    if (duckdb_query(state_->connection, sql.c_str(), &result.value) != DuckDBSuccess) {
      const char* text = duckdb_result_error(&result.value);
      fail_with_engine_text(fmt::format("cannot write {}", path.string()), text == nullptr ? "unknown error" : text);
    }
    sync_path(temporary);
    std::error_code code;
    fs::rename(temporary, path, code);
    if (code) fail(ErrorCode::kUnavailable, "cannot rename {} to {}: {}", temporary.string(), path.string(), code.message());
    sync_path(path.parent_path());
    const DataChunk chunk(duckdb_fetch_chunk(result.value));
    LODESTONE_ASSERT(chunk.get() != nullptr, "COPY told no count");
    return static_cast<std::uint64_t>(
        *static_cast<std::int64_t*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk.get(), 0))));
  } catch (...) {
    remove_quietly();
    throw;
  }
}

std::uint64_t Engine::write_parquet(RowStream& stream, const fs::path& path, Progress* progress) {
  return write_parquet(stream, "SELECT * FROM stream_rows", path, progress);
}

std::uint64_t Engine::write_parquet(RowStream& stream, const std::string& select_sql, const fs::path& path, Progress* progress) {
  std::uint64_t n_rows = 0;
  read_stream(stream, progress, [&] { n_rows = write_parquet(select_sql, path); });
  return n_rows;
}

void Engine::read_stream(RowStream& stream, Progress* progress, const std::function<void()>& work) {
  RowFeed feed(stream, progress);
  struct Slot {
    RowFeed*& feed;
    ~Slot() { feed = nullptr; }
  };
  const Slot slot{state_->feed};
  state_->feed = &feed;
  try {
    execute("CREATE OR REPLACE TEMP VIEW stream_rows AS SELECT * FROM lodestone_stream()");
    work();
  } catch (const Error&) {
    // What the source said tells more than that the query was stopped.
    if (feed.error()) std::rethrow_exception(feed.error());
    throw;
  }
  if (feed.error()) std::rethrow_exception(feed.error());
}

void Engine::with_progress(Progress& progress, const std::function<void()>& work) {
  const std::uint64_t n_before = state_->tally.n_rows();
  std::jthread watcher([&](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    while (!wake.wait_for(lock, stop, std::chrono::milliseconds(200), [] { return false; }) && !stop.stop_requested()) {
      const std::uint64_t n_rows = state_->tally.n_rows() - n_before;
      const double share = duckdb_query_progress(state_->connection).percentage / 100;
      progress.at(n_rows, share > 0 ? static_cast<std::uint64_t>(static_cast<double>(n_rows) / share) : 0);
    }
  });
  work();
}

std::map<std::string, std::uint64_t> Engine::take_tally() { return state_->tally.take(); }

}  // namespace lodestone::table
