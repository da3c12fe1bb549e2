#include "lake/contract.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace lodestone::lake {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string fault_of(const std::string& text) {
  try {
    (void)parse_contract(text, "t.yaml");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.message();
  }
  return "nothing was thrown";
}

TEST(Contract, reads_every_field) {
  const Contract contract = parse_contract(
      "version: 1\nsource: business\ntable: order_tab\nnames: [task, orders]\noptional: true\nmin_rows: 3\nprimary_key: [id]\n"
      "change: [update_time]\non_extra: keep\ncolumns:\n  id: {type: int64, nullable: false}\n  price: {type: "
      "\"decimal(12,3)\"}\n"
      "  update_time: {type: timestamp, optional: true}\n  tags: {type: texts}\n",
      "t.yaml");
  EXPECT_EQ(contract.table, "order_tab");
  EXPECT_TRUE(contract.is_optional);
  EXPECT_EQ(contract.min_rows, 3U);
  ASSERT_EQ(contract.columns.size(), 4U);
  EXPECT_FALSE(contract.columns[0].is_nullable);
  EXPECT_EQ(contract.columns[1].type_text(), "decimal(12,3)");
  EXPECT_EQ(contract.columns[1].sql_type(), "DECIMAL(12,3)");
  EXPECT_TRUE(contract.columns[2].is_optional);
  EXPECT_EQ(contract.columns[3].sql_type(), "VARCHAR[]");
  EXPECT_EQ(contract.find("none"), nullptr);
  EXPECT_EQ(contract.find_name({"orders", "task", "user"}), "task");
  EXPECT_EQ(contract.find_name({"user"}), "");
}

TEST(Contract, reports_all_errors_at_once_with_the_nearest_name) {
  const std::string fault = fault_of(
      "version: 2\nsource: busines\ntable: t\nprimary_key: [idd]\nchange: [when]\non_extra: drop\ncolunms: {}\n"
      "columns:\n  id: {type: in64, nullabel: false}\n  price: {type: decimal}\n  at: {type: timestamp, optional: true, "
      "nullable: false}\n"
      "  name: {}\n  flat: text\n  n: {type: int64(3)}\n");
  for (const char* part :
       {"t.yaml:1: version: 2 is no version of contracts that this program reads; it reads 1",
        "source: \"busines\" is no source; did you mean \"business\"?",
        "primary_key: \"idd\" is no column of this contract; did you mean \"id\"?", "change: \"when\" is no column",
        "on_extra: must be keep", "colunms: unknown key; did you mean \"columns\"?",
        "columns.id.type: \"in64\" is no type; did you mean \"int64\"?",
        "columns.id.nullabel: unknown key; did you mean \"nullable\"?",
        "columns.price.type: \"decimal\" must be written decimal(P,S)",
        "columns.at: a column that may be missing must be nullable", "columns.name.type",
        "columns.flat: a column is written {type", "columns.n.type: \"int64(3)\": only decimal has digits"}) {
    EXPECT_THAT(fault, HasSubstr(part));
  }
}

TEST(Contract, a_key_column_cannot_be_null) {
  EXPECT_THAT(fault_of("version: 1\nsource: matomo\ntable: t\nprimary_key: [id]\ncolumns:\n  id: {type: int64}\n"),
              HasSubstr("columns.id: is part of the primary key and must be nullable: false"));
}

TEST(Contracts, all_built_in_ones_are_well_formed) {
  const Contracts contracts = Contracts::load({});
  EXPECT_EQ(contracts.of("business").size(), 7U);
  EXPECT_EQ(contracts.of("matomo").size(), 4U);
  EXPECT_EQ(contracts.of("canonical").size(), 6U);
  ASSERT_NE(contracts.find("business", "order_tab"), nullptr);
  EXPECT_EQ(contracts.find("business", "order_tab")->find_name({"task"}), "task");
  EXPECT_EQ(contracts.find("matomo", "order_tab"), nullptr);
  EXPECT_THAT(contracts.find("matomo", "log_conversion")->primary_key, testing::ElementsAre("idvisit", "idgoal", "buster"));
}

TEST(Contracts, a_folder_replaces_them_one_by_one) {
  const TemporaryFolder folder;
  write_file_atomic(
      folder.path() / "dict.yaml",
      "version: 1\nsource: business\ntable: dict\nprimary_key: [id]\ncolumns:\n  id: {type: int64, nullable: false}\n");
  const Contracts contracts = Contracts::load(folder.path());
  EXPECT_EQ(contracts.find("business", "dict")->columns.size(), 1U);
  EXPECT_THAT(contracts.find("business", "user")->columns, Not(IsEmpty()));
  write_file_atomic(
      folder.path() / "dict.yaml",
      "version: 1\nsource: business\ntable: dicts\nprimary_key: [id]\ncolumns:\n  id: {type: int64, nullable: false}\n");
  try {
    (void)Contracts::load(folder.path());
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("table is dicts, the name of the file wants dict"));
  }
}

}  // namespace
}  // namespace lodestone::lake
