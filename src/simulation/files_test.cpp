// Writing marketplaces as files: CSV and JSON text, files that appear whole, the place that --to names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "base/error.hpp"
#include "base/json.hpp"
#include "simulation/file_sink.hpp"
#include "simulation/open_sink.hpp"
#include "simulation/parquet_sink.hpp"
#include "simulation/table_writer.hpp"
#include "simulation/text_format.hpp"
#include "table/engine.hpp"
#include "table/sql_text.hpp"

namespace lodestone::simulation {
namespace {

using table::ColumnType;
using testing::HasSubstr;

const table::Schema& wide_schema() {
  static const table::Schema schema = {{"b", ColumnType::kBool},       {"i", ColumnType::kInt64}, {"d", ColumnType::kDouble},
                                       {"m", ColumnType::kDecimal},    {"t", ColumnType::kText},  {"x", ColumnType::kBytes},
                                       {"at", ColumnType::kTimestamp}, {"day", ColumnType::kDate}};
  return schema;
}

table::Batch one_row(std::string_view text, std::int64_t micros) {
  table::Batch batch(wide_schema());
  batch.append_int(0, 1);
  batch.append_int(1, -7);
  batch.append_double(2, 0.1);
  batch.append_text(3, "12.30");
  batch.append_text(4, text);
  batch.append_text(5, std::string_view("\x00\xff\x0a", 3));
  batch.append_int(6, micros);
  batch.append_int(7, -1);
  batch.end_row();
  return batch;
}

std::string csv_row(const table::Batch& batch) {
  std::string out;
  RowFormatter(wide_schema()).append_csv_row(out, batch, 0);
  return out;
}

TEST(CsvText, follows_rfc_4180) {
  const auto csv = [](std::string_view text) {
    std::string out;
    append_csv_text(out, text);
    return out;
  };
  EXPECT_EQ(csv("plain 中文 😀"), "plain 中文 😀");
  EXPECT_EQ(csv("a,b"), "\"a,b\"");
  EXPECT_EQ(csv("say \"hi\""), "\"say \"\"hi\"\"\"");
  EXPECT_EQ(csv("two\nlines"), "\"two\nlines\"");
  EXPECT_EQ(csv("\r"), "\"\r\"");
  EXPECT_EQ(csv(""), "\"\"");
}

TEST(RowFormatter, writes_every_type_as_csv) {
  EXPECT_EQ(csv_row(one_row("a,b", 1'700'000'000'000'000)), "true,-7,0.1,12.30,\"a,b\",00ff0a,2023-11-14 22:13:20,1969-12-31\n");
  EXPECT_EQ(csv_row(one_row("", -1)), "true,-7,0.1,12.30,\"\",00ff0a,1969-12-31 23:59:59.999999,1969-12-31\n");
}

TEST(RowFormatter, a_null_is_an_empty_field_and_null_in_json) {
  table::Batch batch(wide_schema());
  for (std::size_t i = 0; i < wide_schema().size(); ++i) batch.append_null(i);
  batch.end_row();
  EXPECT_EQ(csv_row(batch), ",,,,,,,\n");
  std::string out;
  RowFormatter(wide_schema()).append_json_row(out, batch, 0);
  EXPECT_EQ(out, R"({"b":null,"i":null,"d":null,"m":null,"t":null,"x":null,"at":null,"day":null})");
}

TEST(RowFormatter, writes_every_type_as_json) {
  std::string out;
  RowFormatter(wide_schema()).append_json_row(out, one_row("q\"uote", 0), 0);
  EXPECT_EQ(out,
            R"({"b":true,"i":-7,"d":0.1,"m":12.30,"t":"q\"uote","x":"00ff0a","at":"1970-01-01 00:00:00","day":"1969-12-31"})");
}

TEST(TableWriter, formats_money_and_visitor_ids) {
  class Catch final : public MarketplaceSink {
   public:
    void write(Table table, const table::Batch& batch) override {
      EXPECT_EQ(table, kDict);
      text = std::string(batch.text_at(1, 0));
    }
    void finish() override {}
    std::string text;
  } sink;
  const auto written = [&](auto put) {
    TableWriter writer(sink, kDict);
    put(writer.integer(1)).end_row();
    writer.flush();
    return sink.text;
  };
  EXPECT_EQ(written([](TableWriter& w) -> TableWriter& { return w.money(5); }), "0.05");
  EXPECT_EQ(written([](TableWriter& w) -> TableWriter& { return w.money(4000); }), "40.00");
  EXPECT_EQ(written([](TableWriter& w) -> TableWriter& { return w.visitor(0x0102030405060708); }),
            "\x01\x02\x03\x04\x05\x06\x07\x08");
}

TEST(FileSink, json_files_are_arrays_of_records) {
  const TemporaryFolder folder;
  FileSink sink(folder.path(), FileFormat::kJson);
  TableWriter writer(sink, kDict);
  writer.integer(1).text("气象").end_row();
  writer.integer(2).null().end_row();
  writer.flush();
  sink.finish();
  const json::Value rows = json::parse(read_file(folder.path() / "dict.json"), "dict.json");
  ASSERT_EQ(rows.as_array()->size(), 2U);
  EXPECT_EQ(*(*rows.as_array())[0].find("data_value")->as_string(), "气象");
  EXPECT_TRUE((*rows.as_array())[1].find("data_value")->is_null());
  EXPECT_TRUE(json::parse(read_file(folder.path() / "user.json"), "user.json").as_array()->empty());
}

TEST(FileSink, an_unfinished_run_leaves_the_old_files_and_nothing_else) {
  const TemporaryFolder folder;
  write_file_atomic(folder.path() / "dict.csv", "old");
  {
    FileSink sink(folder.path(), FileFormat::kCsv);
    TableWriter writer(sink, kDict);
    writer.integer(1).text("new").end_row();
    writer.flush();
  }
  EXPECT_EQ(read_file(folder.path() / "dict.csv"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(ParquetSink, texts_keep_their_quotes_line_ends_and_nulls) {
  const TemporaryFolder folder;
  {
    ParquetSink sink(folder.path());
    TableWriter writer(sink, kDict);
    writer.integer(1).text("say \"hi\", 气象\r\ntwo").end_row();
    writer.integer(2).null().end_row();
    writer.integer(3).text("").end_row();
    writer.flush();
    sink.finish();
  }
  table::Engine engine({1ULL << 28U, 1, {}});
  EXPECT_EQ(engine.query_text("SELECT string_agg(coalesce(data_value, 'NULL'), '|' ORDER BY id) FROM read_parquet(" +
                              table::quote_literal((folder.path() / "dict.parquet").string()) + ")"),
            "say \"hi\", 气象\r\ntwo|NULL|");
  for (const fs::directory_entry& entry : fs::directory_iterator(folder.path())) EXPECT_EQ(entry.path().extension(), ".parquet");
}

TEST(ParquetSink, an_unfinished_run_leaves_the_old_files_and_nothing_else) {
  const TemporaryFolder folder;
  write_file_atomic(folder.path() / "dict.parquet", "old");
  {
    ParquetSink sink(folder.path());
    TableWriter writer(sink, kDict);
    writer.integer(1).text("new").end_row();
    writer.flush();
  }
  EXPECT_EQ(read_file(folder.path() / "dict.parquet"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(OutputFile, a_full_disk_is_a_sentence_and_leaves_nothing) {
  const TemporaryFolder folder;
  // A limit on file sizes stands for the full disk: the system call fails the same way.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string message;
  try {
    OutputFile file(folder.path() / "big.csv");
    file.buffer().assign(5000, 'x');
    file.finish();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    message = error.message();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(message,
            (folder.path() / "big.csv").string() + ": cannot be written (File too large); free space or name another folder");
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(OpenSink, refuses_a_place_that_is_none) {
  try {
    open_sink({.to = "s3://bucket"});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.message(), HasSubstr("--to is \"s3://bucket\"; it must be files:DIR or mysql://USER@HOST:PORT/DATABASE"));
  }
  try {
    open_sink({.to = "mysql+pymysql://root:s3cret@h/d"});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("--to is \"mysql+pymysql://root:***@h/d\"; it must be"));
  }
  const TemporaryFolder folder;
  try {
    open_sink({.to = "files:" + folder.path().string(), .matomo = "mysql://a@b/c"});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(),
                HasSubstr("--matomo is \"mysql://a@b/c\", but --to is a folder, which takes all tables; leave --matomo out"));
  }
  EXPECT_NE(open_sink({.to = "files:" + (folder.path() / "new").string()}), nullptr);
  EXPECT_TRUE(fs::is_directory(folder.path() / "new"));
}

TEST(OpenSink, names_the_formats) {
  EXPECT_EQ(parse_file_format("json"), FileFormat::kJson);
  EXPECT_THROW(
      {
        try {
          parse_file_format("xml");
        } catch (const Error& error) {
          EXPECT_THAT(error.message(), HasSubstr("format is \"xml\"; it must be csv, json or parquet"));
          throw;
        }
      },
      Error);
}

}  // namespace
}  // namespace lodestone::simulation
