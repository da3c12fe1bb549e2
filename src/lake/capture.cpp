#include "lake/capture.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "lake/stream_columns.hpp"
#include "table/sql_text.hpp"

namespace lodestone::lake {
namespace {

using sources::OrderValue;

// Keys that the source is asked for at once.
constexpr std::size_t kKeysAtOnce = 500;

Manifest load_followed(const fs::path& lake, const Contract& contract) {
  std::optional<Manifest> manifest = find_manifest(table_path(lake, contract.source, contract.table));
  if (!manifest || !manifest->cursor || manifest->cursor->position.empty()) {
    fail(ErrorCode::kNotFound, "the lake's table {} has no place in its database's log; read it with lodestone extract",
         contract.table);
  }
  return std::move(*manifest);
}

/// Rows of many keys, asked for by some hundreds at a time.
class RowsOfKeys final : public table::RowStream {
 public:
  RowsOfKeys(const ReadRows& read_rows, const std::vector<std::string>& key, const std::vector<std::vector<OrderValue>>& keys,
             const std::string& table)
      : read_rows_(read_rows), key_(key), keys_(keys), table_(table) {
    open_next();
    schema_ = rows_->schema();
  }
  [[nodiscard]] const table::Schema& schema() const override { return schema_; }
  [[nodiscard]] std::uint64_t estimated_rows() const override { return keys_.size(); }
  bool next(table::Batch& batch) override {
    while (!rows_->next(batch)) {
      rows_.reset();
      if (begin_ == keys_.size()) {
        rows_ = std::make_unique<NoRows>(schema_);
        return false;
      }
      open_next();
      if (rows_->schema() != schema_)
        fail(ErrorCode::kContract, "table {}: its columns changed while its rows were read; run the command again", table_);
    }
    return true;
  }

 private:
  class NoRows final : public table::RowStream {
   public:
    explicit NoRows(const table::Schema& schema) : schema_(schema) {}
    [[nodiscard]] const table::Schema& schema() const override { return schema_; }
    [[nodiscard]] std::uint64_t estimated_rows() const override { return 0; }
    bool next(table::Batch& batch) override {
      batch.clear();
      return false;
    }

   private:
    const table::Schema& schema_;
  };

  void open_next() {
    const std::size_t end = std::min(keys_.size(), begin_ + kKeysAtOnce);
    rows_ =
        read_rows_(key_, {keys_.begin() + static_cast<std::ptrdiff_t>(begin_), keys_.begin() + static_cast<std::ptrdiff_t>(end)});
    begin_ = end;
  }

  const ReadRows& read_rows_;
  const std::vector<std::string>& key_;
  const std::vector<std::vector<OrderValue>>& keys_;
  const std::string& table_;
  table::Schema schema_;
  std::unique_ptr<table::RowStream> rows_;
  std::size_t begin_ = 0;
};

}  // namespace

TableCapture::TableCapture(table::Engine& engine, const fs::path& lake, const Contract& contract, const Clock& clock,
                           table::Schema schema)
    : contract_(contract),
      schema_(std::move(schema)),
      merge_(engine, lake, contract, clock, load_followed(lake, contract)),
      buffer_(schema_, contract.primary_key) {
  (void)stream_select_list(contract_, schema_, contract_.table);  // throws when it does not fit
}

void TableCapture::merge(const std::string& position, const ReadRows& read_rows) {
  const std::unique_ptr<table::RowStream> rows = buffer_.take();
  const std::vector<std::vector<OrderValue>> partial = merge_.merge_log(*rows, schema_);
  if (!partial.empty()) {
    RowsOfKeys now(read_rows, contract_.primary_key, partial, contract_.table);
    merge_.replace(now,
                   fmt::format("({0}) IN (SELECT {1} FROM {2})", table::quote_identifiers(contract_.primary_key),
                               contract_.primary_key.size() == 1 ? table::quote_identifiers(contract_.primary_key)
                                                                 : "(" + table::quote_identifiers(contract_.primary_key) + ")",
                               TableMerge::kPartialKeys));
  }
  advance(position);
  merge_.compact();
}

void TableCapture::advance(const std::string& position) {
  LODESTONE_ASSERT(buffer_.n_rows() == 0, "{} rows of {} wait", buffer_.n_rows(), contract_.table);
  merge_.manifest().cursor->position = position;
  merge_.commit();
}

}  // namespace lodestone::lake
