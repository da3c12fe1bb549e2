#pragma once
// A marketplace as a folder of files, TABLE.csv or TABLE.json (an array of records).

#include <memory>
#include <vector>

#include "simulation/output_file.hpp"
#include "simulation/sink.hpp"
#include "simulation/text_format.hpp"

namespace lodestone::simulation {

/// Where a table goes: FOLDER/TABLE.csv.
fs::path table_file(const fs::path& folder, const TableSpec& spec, FileFormat format);

/// Files of an earlier run in the same folder are replaced when finish() is reached, one by one; a run that fails leaves them alone.
class FileSink final : public MarketplaceSink {
 public:
  /// Creates the folder; `format` is kCsv or kJson (ParquetSink takes the third). Throws unavailable.
  FileSink(const fs::path& folder, FileFormat format);
  void write(Table table, const table::Batch& batch) override;
  void finish() override;

 private:
  struct Target {
    std::unique_ptr<OutputFile> file;
    RowFormatter formatter;
    bool any = false;
  };
  FileFormat format_;
  std::vector<Target> targets_;
};

}  // namespace lodestone::simulation
