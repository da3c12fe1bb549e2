#include "table/row_feed.hpp"

#include <duckdb.h>

#include "base/error.hpp"

namespace lodestone::table {
namespace {

// Enough that neither side waits for the other's hiccups, few enough to stay in the cache: 8 x 2048 rows.
constexpr std::size_t kBatches = 8;

struct FunctionInfo {
  RowFeed** slot;
  int n_threads;
};

duckdb_type duckdb_type_of(ColumnType type) {
  switch (type) {
    case ColumnType::kBool: return DUCKDB_TYPE_BOOLEAN;
    case ColumnType::kInt32: return DUCKDB_TYPE_INTEGER;
    case ColumnType::kInt64: return DUCKDB_TYPE_BIGINT;
    case ColumnType::kDouble: return DUCKDB_TYPE_DOUBLE;
    case ColumnType::kDecimal: return DUCKDB_TYPE_DECIMAL;
    case ColumnType::kText: return DUCKDB_TYPE_VARCHAR;
    case ColumnType::kBytes: return DUCKDB_TYPE_BLOB;
    case ColumnType::kTimestamp: return DUCKDB_TYPE_TIMESTAMP;
    case ColumnType::kDate: return DUCKDB_TYPE_DATE;
  }
  return DUCKDB_TYPE_INVALID;
}

// The callbacks are called by C code, which no exception may cross: what can throw is caught and handed over as the engine's error.
void bind(duckdb_bind_info info) {
  const auto* function = static_cast<FunctionInfo*>(duckdb_bind_get_extra_info(info));
  const RowFeed* feed = *function->slot;
  if (feed == nullptr) return duckdb_bind_set_error(info, "no stream is open");
  for (const Column& column : feed->schema()) {
    duckdb_logical_type type =
        column.type == ColumnType::kDecimal
            ? duckdb_create_decimal_type(static_cast<std::uint8_t>(column.precision), static_cast<std::uint8_t>(column.scale))
            : duckdb_create_logical_type(duckdb_type_of(column.type));
    duckdb_bind_add_result_column(info, column.name.c_str(), type);
    duckdb_destroy_logical_type(&type);
  }
  if (feed->estimated_rows() > 0) duckdb_bind_set_cardinality(info, feed->estimated_rows(), false);
}

void init(duckdb_init_info info) {
  const auto* function = static_cast<FunctionInfo*>(duckdb_init_get_extra_info(info));
  duckdb_init_set_max_threads(info, static_cast<idx_t>(function->n_threads));
}

void read_rows(duckdb_function_info info, duckdb_data_chunk output) {
  RowFeed* feed = *static_cast<FunctionInfo*>(duckdb_function_get_extra_info(info))->slot;
  Batch* batch = feed->take();
  if (batch == nullptr) {
    // The feed keeps what the stream threw; the engine only has to be stopped.
    if (feed->error()) duckdb_function_set_error(info, "the source of the rows failed");
    duckdb_data_chunk_set_size(output, 0);
    return;
  }
  try {
    const Schema& schema = feed->schema();
    for (std::size_t c = 0; c < schema.size(); ++c) fill_vector(*batch, c, schema[c], duckdb_data_chunk_get_vector(output, c));
    duckdb_data_chunk_set_size(output, batch->n_rows());
  } catch (const std::exception& error) {
    duckdb_function_set_error(info, error.what());
  }
  feed->give_back(batch);
}

}  // namespace

RowFeed::RowFeed(RowStream& stream, Progress* progress)
    : stream_(&stream), progress_(progress), estimated_rows_(stream.estimated_rows()) {
  for (std::size_t i = 0; i < kBatches; ++i) {
    batches_.push_back(std::make_unique<Batch>(stream.schema()));
    free_.push_back(batches_.back().get());
  }
  thread_ = std::thread([this] { read(); });
}

RowFeed::~RowFeed() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void RowFeed::read() {
  std::uint64_t n_rows = 0;
  try {
    while (true) {
      Batch* batch = nullptr;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return stop_ || !free_.empty(); });
        if (stop_) return;
        batch = free_.back();
        free_.pop_back();
      }
      // An empty batch would look like the end to the engine.
      bool more = true;
      do more = stream_->next(*batch);
      while (more && batch->n_rows() == 0);
      n_rows += more ? batch->n_rows() : 0;
      if (progress_ != nullptr) progress_->at(n_rows, stream_->estimated_rows());
      const std::lock_guard lock(mutex_);
      if (!more) {
        done_ = true;
        break;
      }
      full_.push_back(batch);
      changed_.notify_all();
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    error_ = std::current_exception();
    done_ = true;
  }
  changed_.notify_all();
}

Batch* RowFeed::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return done_ || !full_.empty(); });
  if (full_.empty() || error_) return nullptr;
  Batch* batch = full_.back();
  full_.pop_back();
  return batch;
}

void RowFeed::give_back(Batch* batch) {
  {
    const std::lock_guard lock(mutex_);
    free_.push_back(batch);
  }
  changed_.notify_all();
}

std::exception_ptr RowFeed::error() {
  const std::lock_guard lock(mutex_);
  return error_;
}

void register_row_feed(duckdb_connection connection, RowFeed** slot, int n_threads) {
  duckdb_table_function function = duckdb_create_table_function();
  duckdb_table_function_set_name(function, "lodestone_stream");
  duckdb_table_function_set_extra_info(function, new FunctionInfo{slot, n_threads},
                                       [](void* info) { delete static_cast<FunctionInfo*>(info); });
  duckdb_table_function_set_bind(function, bind);
  duckdb_table_function_set_init(function, init);
  duckdb_table_function_set_function(function, read_rows);
  const duckdb_state state = duckdb_register_table_function(connection, function);
  duckdb_destroy_table_function(&function);
  LODESTONE_ASSERT(state == DuckDBSuccess, "the table function was refused");
}

}  // namespace lodestone::table
