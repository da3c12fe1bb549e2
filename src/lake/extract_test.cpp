#include "lake/extract.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "base/error.hpp"
#include "lake/extract_fixture.hpp"

namespace lodestone::lake {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ExtractFiles : public ExtractFixture {};

TEST_F(ExtractFiles, csv_rows_that_do_not_fit_are_quarantined_with_a_reason) {
  file("t.csv",
       "id,name,price,n,flag,at,bytes,extra\n"
       "1,good,1.50,7,1,2026-01-02 03:04:05,00ff,e1\n"
       "x,bad id,1,1,1,,,\n"
       ",no id,1,1,1,,,\n"
       "3,,1,1,1,,,\n"
       "4,price,cheap,1,1,,,\n"
       "5,half,1,12.7,1,,,\n"
       "6,whole,1,12.0,true,2026-01-02,,\n"
       "7,flag,1,1,maybe,,,\n"
       "8,zone,1,1,0,2026-01-02T03:04:05Z,,\n"
       "9,month,1,1,0,2026-13-02 00:00:00,,\n"
       "10,odd,1,1,0,,abc,\n"
       "11,zero,1,,0,0000-00-00 00:00:00,,\n"
       "12,blank,\" \",\"\",0,,,\"\"\n"
       "13,\\N,1,1,1,,,\n");
  const TableReport report = extract_one();
  EXPECT_EQ(report.rows_in, 14U);
  EXPECT_EQ(report.rows_out, 4U);
  EXPECT_EQ(report.n_quarantined, 10U);
  EXPECT_THAT(rows("SELECT id, name, price, n, flag, t.at, bytes, extra FROM raw_business.t"),
              ElementsAre("11|zero|1.0000||false|||", "12|blank|||false|||", "1|good|1.5000|7|true|2026-01-02T03:04:05Z|00ff|e1",
                          "6|whole|1.0000|12|true|2026-01-02T00:00:00Z||"));
  EXPECT_EQ(engine().query_int("SELECT count(*) FROM raw_business.t WHERE extra = ''"), 1);
  EXPECT_THAT(
      rows("SELECT reason, id FROM quarantine.business_t"),
      ElementsAre("column at: \"2026-01-02T03:04:05Z\" is no timestamp|8", "column at: \"2026-13-02 00:00:00\" is no timestamp|9",
                  "column bytes: \"abc\" is no bytes|10", "column flag: \"maybe\" is no bool|7", "column id is null|",
                  "column id: \"x\" is no int64|x", "column n: \"12.7\" is no int64|5", "column name is null|13",
                  "column name is null|3", "column price: \"cheap\" is no decimal(18,4)|4"));
  EXPECT_THAT(rows("SELECT DISTINCT seen_at, file FROM quarantine.business_t"), ElementsAre("2026-04-01T00:00:00Z|t.csv"));
}

TEST_F(ExtractFiles, malformed_csv_lines_are_quarantined_and_named) {
  file("t.csv", "id,name\n1,a\n2,b,c,d\n3\n4,\"quo\"ted\n5,\xff\xfe\n6,\"line\nbreak\"\n7,g\n");
  const TableReport report = extract_one();
  EXPECT_THAT(rows("SELECT id, name FROM raw_business.t"), ElementsAre("1|a", "6|line\\nbreak", "7|g"));
  EXPECT_EQ(report.n_quarantined, 4U);
  EXPECT_THAT(rows("SELECT reason FROM quarantine.business_t"),
              ElementsAre("line 3 has too many values", "line 4 has too few values", "line 5 has text after a closing quote",
                          "line 6 is no UTF-8 text"));
  EXPECT_THAT(rows("SELECT malformed_line FROM quarantine.business_t WHERE reason LIKE 'line 3%'"), ElementsAre("2,b,c,d"));
}

TEST_F(ExtractFiles, a_quote_that_never_ends_loses_no_row_unsaid) {
  file("t.csv", "id,name\n1,a\n2,\"open\n3,c\n4,d\n");
  const TableReport report = extract_one();
  EXPECT_THAT(rows("SELECT id FROM raw_business.t"), ElementsAre("1", "3", "4"));
  EXPECT_THAT(rows("SELECT reason, malformed_line FROM quarantine.business_t"),
              ElementsAre("line 3 has a quote that never ends|2,\"open"));
  EXPECT_EQ(report.n_quarantined, 1U);
}

TEST_F(ExtractFiles, line_numbers_are_right_far_into_a_file) {
  std::string text = "id,name\n";
  for (int i = 1; i <= 600'000; ++i)
    text += i % 200'000 == 0 ? fmt::format("{}\n", i) : fmt::format("{},the name of row number {}\n", i, i);
  file("t.csv", text);
  const TableReport report = extract_one();
  EXPECT_EQ(report.rows_in, 600'000U);
  EXPECT_EQ(report.rows_out, 599'997U);
  EXPECT_THAT(rows("SELECT reason, malformed_line FROM quarantine.business_t"),
              ElementsAre("line 200001 has too few values|200000", "line 400001 has too few values|400000",
                          "line 600001 has too few values|600000"));
}

TEST_F(ExtractFiles, csv_with_byte_order_mark_crlf_quotes_and_gzip) {
  file("t.csv.gz", "\xEF\xBB\xBF\"id\",name\r\n1,\"a, \"\"b\"\"\"\r\n2,c\r\n");
  extract_one();
  EXPECT_THAT(rows("SELECT id, name FROM raw_business.t"), ElementsAre("1|a, \"b\"", "2|c"));
}

TEST_F(ExtractFiles, json_records_of_any_shape) {
  file(
      "t.json",
      R"([{"id": 1, "name": "数\"据", "price": 1.5, "flag": true, "nested": {"a": [1]}, "odd \" key": 5},)"
      R"( {"name": "b", "id": "2", "n": 12.0}, {"id": 3, "name": null}, {"id": 4.5, "name": "c"}, 7, {"id": 5, "name": "e", "at": "2026-01-02 03:04:05"}])");
  const TableReport report = extract_one();
  EXPECT_THAT(rows("SELECT id, name, price, flag, nested, \"odd \"\" key\" FROM raw_business.t"),
              ElementsAre("1|数\"据|1.5000|true|{\"a\":[1]}|5", "2|b||||", "5|e||||"));
  EXPECT_THAT(rows("SELECT reason FROM quarantine.business_t"),
              ElementsAre("column id is null", "column id: \"4.5\" is no int64", "column name is null"));
  EXPECT_EQ(report.rows_in, 6U);
}

TEST_F(ExtractFiles, a_broken_json_file_is_named_and_the_old_table_stays) {
  file("t.json", R"([{"id": 1, "name": "a"}])");
  extract_one();
  file("t.json", R"([{"id": 2, "name": "b"}, {"id": )");
  const Error error = error_of([&] { extract_one(); });
  EXPECT_THAT(error.message(), HasSubstr("t.json"));
  EXPECT_THAT(rows("SELECT id FROM raw_business.t"), ElementsAre("1"));
}

TEST_F(ExtractFiles, parquet_is_cast_to_the_contract) {
  engine().write_parquet(
      "SELECT * FROM (VALUES (1, 'a', 1.25::DOUBLE, '7', 3), (2, 'b', NULL, 'x', 4), (NULL, 'c', 1, '1', 5)) v(id, name, price, "
      "n, more)",
      input() / "t.parquet");
  extract_one();
  EXPECT_THAT(rows("SELECT id, name, price, n, more FROM raw_business.t"), ElementsAre("1|a|1.2500|7|3"));
  EXPECT_THAT(rows("SELECT reason, name FROM quarantine.business_t"),
              ElementsAre("column id is null|c", "column n: \"x\" is no int64|b"));
  EXPECT_EQ(engine().describe_types("SELECT more FROM raw_business.t").front().sql_type, "INTEGER");
}

TEST_F(ExtractFiles, of_rows_with_one_key_the_last_changed_stays) {
  file("t.csv",
       "id,name,changed\n1,old,2026-01-01 00:00:00\n2,only,\n1,new,2026-01-03 00:00:00\n1,never,\n3,first,\n3,second,\n");
  const TableReport report = extract_one();
  EXPECT_THAT(rows("SELECT id, name FROM raw_business.t"), ElementsAre("1|new", "2|only", "3|first"));
  EXPECT_THAT(rows("SELECT reason, name FROM quarantine.business_t"),
              ElementsAre("duplicate of key id = 1|never", "duplicate of key id = 1|old", "duplicate of key id = 3|second"));
  EXPECT_EQ(report.n_quarantined, 3U);
  EXPECT_EQ(report.rows_in, 6U);
}

TEST_F(ExtractFiles, increments_merge_by_key_and_later_files_win) {
  file("t.csv", "id,name,extra\n1,a,x\n2,b,x\n3,c,x\n");
  file("t_20260102_000000.json", R"([{"id": 2, "name": "b2", "changed": "2030-01-01"}, {"id": 4, "name": "d2"}])");
  file("t_20260103_000000.csv", "id,name\n4,d3\n5,e3\nbad,f\n");
  const TableReport report = extract_one();
  EXPECT_THAT(rows("SELECT id, name, extra FROM raw_business.t"), ElementsAre("1|a|x", "2|b2|", "3|c|x", "4|d3|", "5|e3|"));
  EXPECT_EQ(report.rows_in, 8U);
  EXPECT_EQ(report.n_quarantined, 1U);
  EXPECT_THAT(rows("SELECT file FROM quarantine.business_t"), ElementsAre("t_20260103_000000.csv"));
  // The same folder again gives the same table, and nothing is left beside it.
  extract_one();
  EXPECT_THAT(rows("SELECT count(*), count(DISTINCT id) FROM raw_business.t"), ElementsAre("5|5"));
  EXPECT_EQ(std::distance(fs::directory_iterator(lake() / "raw/business/t"), fs::directory_iterator()), 3);
}

TEST_F(ExtractFiles, increments_alone_go_onto_the_table_that_is_there) {
  file("t.csv", "id,name\n1,a\n2,b\n");
  extract_one();
  fs::remove(input() / "t.csv");
  file("t_20260102_000000.csv", "id,name\n2,b2\n3,c\n");
  extract_one();
  EXPECT_THAT(rows("SELECT id, name FROM raw_business.t"), ElementsAre("1|a", "2|b2", "3|c"));
  extract_one(ExtractMode::kFull);
  EXPECT_THAT(rows("SELECT id, name FROM raw_business.t"), ElementsAre("2|b2", "3|c"));
}

TEST_F(ExtractFiles, a_full_file_replaces_the_table) {
  file("t.csv", "id,name\n1,a\n2,b\n");
  extract_one();
  file("t.csv", "id,name\n3,c\n");
  extract_one();
  EXPECT_THAT(rows("SELECT id FROM raw_business.t"), ElementsAre("3"));
}

TEST_F(ExtractFiles, a_missing_column_is_named_with_a_guess) {
  file("t.csv", "idd,name\n1,a\n");
  const Error error = error_of([&] { extract_one(); });
  EXPECT_EQ(error.code(), ErrorCode::kContract);
  EXPECT_EQ(error.message(),
            (input() / "t.csv").string() +
                ": table t lacks the column id (int64); is id meant by idd? It has idd, name. Correct the file, or "
                "say in contracts/t.yaml that it is optional");
  file("t.csv", "number\n1\n");
  EXPECT_THAT(error_of([&] { extract_one(); }).message(), HasSubstr("lacks the columns id (int64), name (text). It has number."));
  file("t.csv", "id,name,id\n1,a,2\n");
  EXPECT_THAT(error_of([&] { extract_one(); }).message(), HasSubstr("column id occurs twice"));
  file("t.csv", "");
  EXPECT_THAT(error_of([&] { extract_one(); }).message(), HasSubstr("t.csv: has no header line"));
}

TEST_F(ExtractFiles, a_missing_table_is_named_with_what_there_is) {
  file("another.csv", "id,name\n");
  const Error error = error_of([&] { extract_one(); });
  EXPECT_EQ(error.code(), ErrorCode::kContract);
  EXPECT_EQ(error.message(), input().string() + " has no table t. It has another. Add the table, or name it in contracts/t.yaml");
  fs::remove(input() / "another.csv");
  EXPECT_THAT(error_of([&] { extract_one(); }).message(), HasSubstr("It has none."));
}

TEST_F(ExtractFiles, a_missing_optional_table_is_empty_with_its_columns) {
  contract_.is_optional = true;
  EXPECT_EQ(extract_one().rows_out, 0U);
  EXPECT_EQ(engine().query_int("SELECT count(*) FROM raw_business.t WHERE price > 1 AND changed IS NULL"), 0);
}

TEST_F(ExtractFiles, another_name_of_the_contract_will_do) {
  contract_.names = {"task"};
  file("task.csv", "id,name\n1,a\n");
  extract_one();
  EXPECT_THAT(rows("SELECT id FROM raw_business.t"), ElementsAre("1"));
}

TEST_F(ExtractFiles, an_empty_table_is_allowed_unless_the_contract_wants_rows) {
  file("t.csv", "id,name\n");
  EXPECT_EQ(extract_one().rows_out, 0U);
  file("t.json", "[]");
  fs::remove(input() / "t.csv");
  EXPECT_EQ(extract_one().rows_out, 0U);
  EXPECT_EQ(engine().query_int("SELECT count(*) FROM raw_business.t WHERE id = 1"), 0);
  contract_.min_rows = 2;
  fs::remove(input() / "t.json");
  file("t.csv", "id,name\n1,a\nx,b\n");
  const Error error = error_of([&] { extract_one(); });
  EXPECT_EQ(error.code(), ErrorCode::kContract);
  EXPECT_EQ(error.message(),
            "table t of " + input().string() +
                " has 1 good rows (1 quarantined), its contract wants at least 2; fill it at the source, or lower "
                "min_rows in contracts/t.yaml");
  EXPECT_EQ(engine().query_int("SELECT count(*) FROM raw_business.t"), 0);
}

TEST_F(ExtractFiles, a_full_disk_keeps_the_old_table) {
  file("t.csv", "id,name\n1,a\n");
  extract_one();
  std::string many = "id,name\n";
  for (int i = 0; i < 50'000; ++i) many += fmt::format("{},name {}\n", i, i * 7919 % 50'000);
  file("t.csv", many);
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 20'000, .rlim_max = limit.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const Error error = error_of([&] { extract_one(); });
  setrlimit(RLIMIT_FSIZE, &limit);
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_THAT(error.message(), HasSubstr("raw/business/t/part-"));
  EXPECT_THAT(error.message(), HasSubstr("disk is not full"));
  EXPECT_THAT(rows("SELECT id FROM raw_business.t"), ElementsAre("1"));
  EXPECT_EQ(std::distance(fs::directory_iterator(lake() / "raw/business/t"), fs::directory_iterator()), 2);
}

class ExtractStream : public ExtractFixture {};

TEST_F(ExtractStream, keeps_every_column_and_casts_to_the_contract) {
  MadeSource source({{"id", table::ColumnType::kInt32},
                     {"name", table::ColumnType::kText},
                     {"price", table::ColumnType::kDecimal, 10, 2},
                     {"flag", table::ColumnType::kInt32},
                     {"more", table::ColumnType::kDouble}},
                    3);
  const TableReport report = extract_from(source);
  EXPECT_EQ(report.rows_in, 3U);
  EXPECT_THAT(rows("SELECT id, name, price, flag, more FROM raw_business.t"),
              ElementsAre("0|row 0|0.50|false|0", "1|row 1|1.50|true|0.5", "2|row 2|2.50|true|1"));
  EXPECT_EQ(engine().describe_types("SELECT id, price FROM raw_business.t")[0].sql_type, "BIGINT");
  EXPECT_EQ(engine().describe_types("SELECT id, price FROM raw_business.t")[1].sql_type, "DECIMAL(10,2)");
}

TEST_F(ExtractStream, all_faults_of_a_table_come_in_one_sentence) {
  MadeSource source(
      {{"idd", table::ColumnType::kInt32}, {"name", table::ColumnType::kBytes}, {"price", table::ColumnType::kText}}, 1);
  const Error error = error_of([&] { extract_from(source); });
  EXPECT_EQ(error.code(), ErrorCode::kContract);
  EXPECT_EQ(
      error.message(),
      "table t: column id (int64) is missing (is idd meant?); column name is bytes, the contract wants text; column price is "
      "text, the "
      "contract wants decimal(18,4). Correct the table, or replace contracts/t.yaml by one of your own (lake.contracts_folder)");
}

TEST_F(ExtractStream, null_where_the_contract_has_none_is_quarantined) {
  MadeSource source({{"id", table::ColumnType::kInt32}, {"name", table::ColumnType::kText}}, 10);
  source.null_name_at = 4;
  const TableReport report = extract_from(source);
  EXPECT_EQ(report.rows_out, 9U);
  EXPECT_EQ(report.n_quarantined, 1U);
  EXPECT_THAT(rows("SELECT id, reason FROM quarantine.business_t"), ElementsAre("4|column name is null"));
}

TEST_F(ExtractStream, a_source_that_dies_leaves_the_old_table) {
  MadeSource good({{"id", table::ColumnType::kInt32}, {"name", table::ColumnType::kText}}, 3);
  extract_from(good);
  MadeSource dying({{"id", table::ColumnType::kInt32}, {"name", table::ColumnType::kText}}, 100'000);
  dying.die_at = 60'000;
  const Error error = error_of([&] { extract_from(dying); });
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_EQ(error.message(), "the server has gone away");
  EXPECT_THAT(rows("SELECT count(*) FROM raw_business.t"), ElementsAre("3"));
  EXPECT_EQ(std::distance(fs::directory_iterator(lake() / "raw/business/t"), fs::directory_iterator()), 2);
}

TEST_F(ExtractStream, two_kinds_of_source_do_not_mix_in_one_table) {
  file("t.csv", "id,name\n1,a\n");
  extract_one();
  MadeSource source({{"id", table::ColumnType::kInt32}, {"name", table::ColumnType::kText}}, 3);
  const Error error = error_of([&] { extract_from(source); });
  EXPECT_EQ(error.code(), ErrorCode::kContract);
  EXPECT_EQ(error.message(), "the lake's table t was made from files (" + input().string() +
                                 "), this extract reads made (nowhere), and mixing them would lose rows; use --full to replace "
                                 "the table, or another lake.folder");
  EXPECT_THAT(rows("SELECT id FROM raw_business.t"), ElementsAre("1"));
  extract_from(source, ExtractMode::kFull);
  EXPECT_THAT(rows("SELECT count(*) FROM raw_business.t"), ElementsAre("3"));
}

}  // namespace
}  // namespace lodestone::lake
