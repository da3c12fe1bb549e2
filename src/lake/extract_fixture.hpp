#pragma once
// What the tests of extraction share: a folder of files, a lake, a contract of a table t, and a source that makes rows up.

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "lake/extract.hpp"
#include "lake/reader.hpp"
#include "sources/files/files_source.hpp"

namespace lodestone::lake {

/// Rows (id, name, ...) by type: integers count rows, decimals are "<row>.50", doubles row / 2, texts "row <n>".
class MadeSource final : public sources::Source {
 public:
  MadeSource(table::Schema schema, std::uint64_t n_rows) : schema_(std::move(schema)), n_rows_(n_rows) {}
  std::uint64_t null_name_at = UINT64_MAX;
  std::uint64_t die_at = UINT64_MAX;

  [[nodiscard]] std::string kind() const override { return "made"; }
  [[nodiscard]] std::string location() const override { return "nowhere"; }
  [[nodiscard]] std::vector<std::string> tables() override { return {"t"}; }
  [[nodiscard]] sources::TableSnapshot snapshot(const std::string& table) override {
    return {table, std::make_unique<Stream>(*this), {}, {}};
  }

 private:
  class Stream final : public table::RowStream {
   public:
    explicit Stream(const MadeSource& source) : source_(source) {}
    [[nodiscard]] const table::Schema& schema() const override { return source_.schema_; }
    [[nodiscard]] std::uint64_t estimated_rows() const override { return source_.n_rows_; }
    bool next(table::Batch& batch) override {
      batch.clear();
      for (; !batch.full() && row_ < source_.n_rows_; ++row_) {
        if (row_ == source_.die_at) fail(ErrorCode::kUnavailable, "the server has gone away");
        for (std::size_t c = 0; c < source_.schema_.size(); ++c) append(batch, c);
        batch.end_row();
      }
      return batch.n_rows() > 0;
    }

   private:
    void append(table::Batch& batch, std::size_t c) const {
      if (source_.schema_[c].name == "name" && row_ == source_.null_name_at) return batch.append_null(c);
      switch (source_.schema_[c].type) {
        case table::ColumnType::kText:
        case table::ColumnType::kBytes: return batch.append_text(c, "row " + std::to_string(row_));
        case table::ColumnType::kDecimal: return batch.append_text(c, std::to_string(row_) + ".50");
        case table::ColumnType::kDouble: return batch.append_double(c, static_cast<double>(row_) / 2);
        default: return batch.append_int(c, static_cast<std::int64_t>(row_));
      }
    }
    const MadeSource& source_;
    std::uint64_t row_ = 0;
  };

  table::Schema schema_;
  std::uint64_t n_rows_;
};

class ExtractFixture : public testing::Test {
 protected:
  ExtractFixture() { make_folders(input()); }

  [[nodiscard]] fs::path input() const { return folder_.path() / "input"; }
  [[nodiscard]] fs::path lake() const { return folder_.path() / "lake"; }
  table::Engine& engine() { return engine_; }

  /// Writes a file of the source, packed when its name ends in .gz.
  void file(const std::string& name, const std::string& text) const {
    const std::string path = (input() / name).string();
    if (!name.ends_with(".gz")) return write_file_atomic(path, text);
    gzFile out = gzopen(path.c_str(), "wb");
    gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
    gzclose(out);
  }

  TableReport extract_one(ExtractMode mode = ExtractMode::kKeepKind) {
    sources::FilesSource source(input(), "matomo_");
    return extract_from(source, mode);
  }

  TableReport extract_from(sources::Source& source, ExtractMode mode = ExtractMode::kKeepKind) {
    const std::vector<TableReport> reports = extract(source, {&contract_}, engine_, {lake(), mode}, clock_, {});
    Reader(lake()).attach(engine_);
    return reports.front();
  }

  /// The rows of a query as "a|b|c", sorted.
  std::vector<std::string> rows(const std::string& sql) {
    std::vector<std::string> out;
    engine_.query(sql, [&](const table::Chunk& chunk) {
      for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
        std::string& line = out.emplace_back();
        for (std::size_t c = 0; c < chunk.columns().size(); ++c) line += (c == 0 ? "" : "|") + chunk.format_at(c, r);
        for (std::size_t at = line.find('\n'); at != std::string::npos; at = line.find('\n')) line.replace(at, 1, "\\n");
      }
    });
    std::sort(out.begin(), out.end());
    return out;
  }

  static Error error_of(const std::function<void()>& work) {
    try {
      work();
    } catch (const Error& error) {
      return error;
    }
    return {ErrorCode::kInternal, "nothing was thrown"};
  }

  Contract contract_ = parse_contract(
      "version: 1\nsource: business\ntable: t\nprimary_key: [id]\nchange: [changed]\ncolumns:\n  id: {type: int64, nullable: "
      "false}\n"
      "  name: {type: text, nullable: false}\n  price: {type: \"decimal(18,4)\", optional: true}\n  n: {type: int64, optional: "
      "true}\n"
      "  flag: {type: bool, optional: true}\n  at: {type: timestamp, optional: true}\n  bytes: {type: bytes, optional: true}\n"
      "  changed: {type: timestamp, optional: true}\n",
      "contracts/t.yaml");

 private:
  TemporaryFolder folder_;
  table::Engine engine_{{.memory_budget_bytes = 256 << 20, .n_threads = 2, .temp_folder = {}}};
  FixedClock clock_{*parse_time("2026-04-01T00:00:00Z")};
};

}  // namespace lodestone::lake
