#include "simulation/file_sink.hpp"

#include "base/error.hpp"

namespace lodestone::simulation {

FileFormat parse_file_format(const std::string& text) {
  if (text == "csv") return FileFormat::kCsv;
  if (text == "json") return FileFormat::kJson;
  if (text == "parquet") return FileFormat::kParquet;
  fail(ErrorCode::kInvalidArgument, "simulate: format is \"{}\"; it must be csv, json or parquet", text);
}

fs::path table_file(const fs::path& folder, const TableSpec& spec, FileFormat format) {
  switch (format) {
    case FileFormat::kCsv: return folder / (spec.name + ".csv");
    case FileFormat::kJson: return folder / (spec.name + ".json");
    case FileFormat::kParquet: return folder / (spec.name + ".parquet");
  }
  return {};
}

FileSink::FileSink(const fs::path& folder, FileFormat format) : format_(format) {
  LODESTONE_ASSERT(format != FileFormat::kParquet, "{} takes text formats", folder.string());
  make_folders(folder);
  for (const TableSpec& spec : marketplace_tables()) {
    Target& target =
        targets_.emplace_back(Target{std::make_unique<OutputFile>(table_file(folder, spec, format)), RowFormatter(spec.schema)});
    if (format == FileFormat::kCsv) {
      target.formatter.append_csv_header(target.file->buffer());
    } else {
      target.file->buffer() += "[";
    }
  }
}

void FileSink::write(Table table, const table::Batch& batch) {
  Target& target = targets_[table];
  std::string& out = target.file->buffer();
  for (std::size_t row = 0; row < batch.n_rows(); ++row) {
    if (format_ == FileFormat::kCsv) {
      target.formatter.append_csv_row(out, batch, row);
    } else {
      out += target.any ? ",\n" : "\n";
      target.formatter.append_json_row(out, batch, row);
    }
    target.any = true;
    target.file->spill();
  }
}

void FileSink::finish() {
  for (Target& target : targets_) {
    if (format_ == FileFormat::kJson) target.file->buffer() += "\n]\n";
    target.file->finish();
  }
}

}  // namespace lodestone::simulation
