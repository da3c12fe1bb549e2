#pragma once
// A marketplace as a folder of TABLE.parquet, typed as the tables are.

#include <optional>

#include "simulation/file_sink.hpp"
#include "simulation/sink.hpp"
#include "table/engine.hpp"

namespace lodestone::simulation {

/// Rows come for all tables at once and a Parquet file is encoded in one go, so they wait in a folder of CSV files beside the result;
/// memory is constant. Files of an earlier run are replaced when finish() is reached, one by one; a run that fails leaves them alone.
class ParquetSink final : public MarketplaceSink {
 public:
  /// Creates the folder. Throws unavailable.
  explicit ParquetSink(const fs::path& folder);
  ~ParquetSink() override;
  void write(Table table, const table::Batch& batch) override;
  void finish() override;

 private:
  fs::path folder_;
  fs::path waiting_;
  std::optional<FileSink> rows_;
};

}  // namespace lodestone::simulation
