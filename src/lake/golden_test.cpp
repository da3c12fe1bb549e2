// The marketplace of tests/golden/marketplace, made by hand: raw -> canonical -> labels against what a person computed.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/error.hpp"
#include "lake/canonical.hpp"
#include "lake/reader.hpp"
#include "sources/files/files_source.hpp"

namespace lodestone::lake {
namespace {

using testing::ElementsAre;

const fs::path kMarketplace = fs::path(LODESTONE_SOURCE_DIR) / "tests/golden/marketplace";

class Golden : public testing::Test {
 protected:
  // Extracted once: most tests only read.
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    engine_ = std::make_unique<table::Engine>(
        table::Engine::Options{.memory_budget_bytes = 512 << 20, .n_threads = 2, .temp_folder = {}});
    sources::FilesSource source(kMarketplace, "matomo_");
    std::vector<const Contract*> raw = contracts_.of("business");
    for (const Contract* contract : contracts_.of("matomo")) raw.push_back(contract);
    extract(source, raw, *engine_, {lake(), ExtractMode::kKeepKind}, clock_, {});
    reports_ = build({});
  }
  static void TearDownTestSuite() {
    engine_.reset();
    folder_.reset();
  }
  static fs::path lake() { return folder_->path() / "lake"; }
  static std::vector<TableReport> build(const fs::path& sql) {
    return build_canonical(contracts_, *engine_, {lake(), sql, {{"robot_actions_per_day", "5"}}}, clock_, {});
  }

  static std::vector<std::string> rows(const std::string& sql) {
    std::vector<std::string> out;
    engine_->query(sql, [&](const table::Chunk& chunk) {
      for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
        std::string& line = out.emplace_back();
        for (std::size_t c = 0; c < chunk.columns().size(); ++c) {
          std::string cell = chunk.format_at(c, r);
          for (std::size_t at = cell.find('\n'); at != std::string::npos; at = cell.find('\n')) cell.replace(at, 1, "\\n");
          line += (c == 0 ? "" : "|") + cell;
        }
      }
    });
    std::sort(out.begin(), out.end());
    return out;
  }

  static std::vector<std::string> expected(const std::string& name) {
    std::vector<std::string> out;
    LineReader reader(kMarketplace / "expected" / (name + ".txt"));
    for (std::string line; reader.next(line);) out.push_back(line);
    std::sort(out.begin(), out.end());
    return out;
  }

  static inline std::unique_ptr<TemporaryFolder> folder_;
  static inline std::unique_ptr<table::Engine> engine_;
  static inline const Contracts contracts_ = Contracts::load({});
  static inline const FixedClock clock_{*parse_time("2026-04-01T00:00:00Z")};
  static inline std::vector<TableReport> reports_;
};

TEST_F(Golden, canonical_tables_are_what_a_person_computed) {
  EXPECT_EQ(rows("SELECT * EXCLUDE (external_id) FROM items"), expected("items"));
  EXPECT_EQ(rows("SELECT * FROM users"), expected("users"));
  EXPECT_EQ(rows("SELECT * FROM item_images"), expected("item_images"));
  EXPECT_EQ(rows("SELECT * FROM visitor_users"), expected("visitor_users"));
  EXPECT_EQ(rows("SELECT * FROM events"), expected("events"));
  EXPECT_EQ(rows("SELECT * FROM attributions"), expected("attributions"));
}

TEST_F(Golden, what_is_left_out_is_counted) {
  const TableReport& events = reports_[reports_.size() - 2];
  EXPECT_EQ(events.table, "events");
  EXPECT_THAT(events.dropped,
              ElementsAre("Matomo order of the shop 2", "Matomo order sent again 1", "Matomo order unknown to the shop 1",
                          "Matomo order without a number 1", "doubled 2", "no item 1", "robot 6", "unknown item 2"));
  EXPECT_EQ(events.rows_out, 23U);
  EXPECT_EQ(events.rows_in, 23U + 16U);
  EXPECT_EQ(format_report({"canonical", "events", 26, 17, 0, {"no item 1", "robot 6"}, 0.25, "lake/m.json"}),
            "events: 26 rows in, 17 out, no item 1, robot 6, 0.2 s, lake/m.json");
}

TEST_F(Golden, stitching_goes_both_ways_or_forward) {
  const auto users = [&](const table::Parameters& values) {
    return rows("SELECT DISTINCT session_id, user_id FROM (" + table::SqlFile::load({}, "mapping/events").render(values) +
                ") WHERE session_id IN ('1', '2', '6', '8', '9') AND dropped IS NULL");
  };
  EXPECT_THAT(users({{"stitch", "both"}}), ElementsAre("1|1", "2|1", "6|1", "8|2", "9|2"));
  EXPECT_THAT(users({{"stitch", "forward"}}), ElementsAre("1|1", "2|1", "6|", "8|", "9|2"));
}

TEST_F(Golden, raw_tables_keep_every_column_and_value) {
  EXPECT_THAT(rows("SELECT id, company_name, favourite, company_id FROM raw_business.user"),
              ElementsAre("1|Shanghai \"Data\", Ltd|tea|5", "2|||6"));
  EXPECT_THAT(rows("SELECT price, status FROM raw_business.dataset WHERE id = 10"), ElementsAre("12.3000|1"));
  EXPECT_THAT(rows("SELECT count(*) FROM raw_matomo.log_link_visit_action"), ElementsAre("29"));
  EXPECT_THAT(rows("SELECT count(*) FROM raw_business.user WHERE update_time IS NULL"), ElementsAre("2"));
}

TEST_F(Golden, labels_stop_at_their_time) {
  const auto label = [&](const std::string& name, const table::Parameters& values) {
    return table::SqlFile::load({}, "labels/" + name).render(values);
  };
  EXPECT_THAT(rows(label("owned", {})), ElementsAre("1|10", "2|11"));
  EXPECT_THAT(rows(label("owned", {{"as_of", "2026-01-10T00:59:59Z"}})), ElementsAre("2|11"));
  // User 1 on item 10 until 11 January 00:00: views on 25 December (15.27 days before the newest event, order 4) and 10 January, a cart, an order.
  const double hour = 1.0 / 24;
  const double expected_weight = std::pow(0.5, (16 * 24 + 6.5) * hour / 10) + std::pow(0.5, (15 + 40.0 / 60) * hour / 10) +
                                 3 * std::pow(0.5, (15 + 35.0 / 60) * hour / 10) + 5 * std::pow(0.5, 15.5 * hour / 10);
  const std::string sql = label("interactions", {{"as_of", "2026-01-11T00:00:00Z"}, {"half_life_days", "10"}});
  EXPECT_NEAR(engine_->query_double("SELECT weight FROM (" + sql + ") WHERE user_id = 1 AND item_id = 10").value_or(0),
              expected_weight, 1e-5);
  EXPECT_THAT(rows("SELECT user_id, item_id, last_at FROM (" + sql + ")"),
              ElementsAre("1|10|2026-01-10T01:00:00Z", "1|11|2026-01-10T00:51:01Z", "2|11|2026-01-10T16:30:00Z"));
}

TEST_F(Golden, slices_of_a_query_are_the_whole) {
  for (const std::string name :
       {"mapping/events", "mapping/attributions", "labels/interactions", "labels/histories", "labels/popular"}) {
    const auto slice = [&](int number, int of) {
      return "SELECT * FROM (" +
             table::SqlFile::load({}, name).render({{"slices", std::to_string(of)}, {"slice", std::to_string(number)}}) + ")";
    };
    EXPECT_EQ(rows(slice(0, 3) + " UNION ALL " + slice(1, 3) + " UNION ALL " + slice(2, 3)), rows(slice(0, 1))) << name;
  }
}

TEST_F(Golden, guests_have_keys_that_are_no_users) {
  const std::string sql = table::SqlFile::load({}, "labels/interactions").render({});
  EXPECT_EQ(engine_->query_int("SELECT count(DISTINCT guest_key) FROM (" + sql + ")"), 4);
  EXPECT_EQ(engine_->query_int("SELECT count(*) FROM (" + sql +
                               ") WHERE (user_id IS NULL) <> (guest_key IS NOT NULL) OR guest_key >= 0"),
            0);
}

TEST_F(Golden, histories_are_the_newest_of_each) {
  const std::string sql = table::SqlFile::load({}, "labels/histories").render({{"max_history", "1"}});
  EXPECT_THAT(rows("SELECT user_id, item_id, place FROM (" + sql + ") WHERE user_id IS NOT NULL"),
              ElementsAre("1|11|1", "2|11|1"));
}

TEST_F(Golden, trending_counts_people_in_windows_before_the_newest_event) {
  const std::string sql = table::SqlFile::load({}, "labels/trending").render({{"as_of", "2026-01-13T00:00:00Z"}});
  EXPECT_THAT(rows(sql), ElementsAre("1h|10|1", "1h|11|1", "24h|10|1", "24h|11|1", "7d|10|3", "7d|11|3"));
}

TEST_F(Golden, popular_counts_people_and_leaves_out_what_may_not_be_shown) {
  const std::string sql = table::SqlFile::load({}, "labels/popular").render({});
  EXPECT_THAT(rows("SELECT item_id, people FROM (" + sql + ")"), ElementsAre("10|6", "11|3"));
  engine_->execute(
      "CREATE OR REPLACE TEMP VIEW items AS SELECT * REPLACE (item_id <> 10 AS is_available) FROM memory.main.items");
  EXPECT_THAT(rows("SELECT item_id FROM (" + sql + ")"), ElementsAre("11"));
  EXPECT_EQ(engine_->query_int("SELECT count(*) FROM (" + table::SqlFile::load({}, "labels/trending").render({}) +
                               ") WHERE item_id = 10"),
            0);
}

TEST_F(Golden, a_mapping_of_ones_own_replaces_the_built_in_one) {
  const fs::path sql = folder_->path() / "sql";
  make_folders(sql / "mapping");
  write_file_atomic(
      sql / "mapping/users.sql",
      "SELECT id AS user_id, company_name AS company, province, city, split_list(NULL) AS industry, true AS is_consumer, "
      "create_time AS created_at, last_login_time AS last_login_at, favourite AS drink FROM raw_business.user");
  build(sql);
  EXPECT_THAT(rows("SELECT user_id, drink FROM users"), ElementsAre("1|tea", "2|"));
  fs::remove_all(sql);
  build(sql);
  EXPECT_EQ(rows("SELECT * FROM users"), expected("users"));
}

std::string message_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.message();
  }
  return "nothing was thrown";
}

TEST_F(Golden, a_mapping_that_breaks_its_contract_is_named_and_changes_nothing) {
  const fs::path sql = folder_->path() / "sql";
  make_folders(sql / "mapping");
  const auto fault_of = [&](const std::string& text) {
    write_file_atomic(sql / "mapping/item_images.sql", text);
    return message_of([&] { build(sql); });
  };
  const std::string file = (sql / "mapping/item_images.sql").string();
  EXPECT_EQ(fault_of("SELECT id AS image_id, image_url, image_order FROM raw_business.dataset_image"),
            file +
                " gives no column item_id (int64), created_at (timestamp), updated_at (timestamp) that table item_images must "
                "have; it gives image_id, "
                "image_url, image_order. Add the column to the query");
  const std::string columns =
      " AS image_id, dataset_id AS item_id, image_url, image_order, create_time AS created_at, update_time AS updated_at FROM ";
  EXPECT_THAT(fault_of("SELECT 7" + columns + "raw_business.dataset_image"),
              testing::HasSubstr("(image_id) is not unique, 7 stands in 4 rows"));
  EXPECT_THAT(fault_of("-- unique: raw_business.dataset_image(dataset_id)\nSELECT id" + columns + "raw_business.dataset_image"),
              testing::HasSubstr(file + ": key raw_business.dataset_image(dataset_id) is not unique, 10 stands in 2 rows"));
  EXPECT_EQ(rows("SELECT * FROM item_images"), expected("item_images"));
}

TEST(UrlPatterns, are_taken_literally) {
  const table::Parameters parameters = url_pattern_parameters({"p/", "a.b?id="});
  EXPECT_EQ(parameters.at("url_pattern_1"), "p/([0-9]+)");
  EXPECT_EQ(parameters.at("url_pattern_2"), "a[.]b[?]id=([0-9]+)");
  EXPECT_EQ(parameters.at("url_pattern_5"), "$.");
  EXPECT_EQ(message_of([] {
              (void)url_pattern_parameters({"1", "2", "3", "4", "5", "6"});
            }),
            "6 URL patterns are given, the mapping of events takes at most 5; leave some out");
  EXPECT_THAT(message_of([] { (void)url_pattern_parameters({"a\\b"}); }), testing::HasSubstr("has a ^ or a backslash"));
}

}  // namespace
}  // namespace lodestone::lake
