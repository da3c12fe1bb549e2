#include "simulation/simulator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "base/error.hpp"
#include "base/json.hpp"
#include "simulation/file_sink.hpp"

namespace lodestone::simulation {
namespace {

using testing::HasSubstr;

/// Keeps every row as a map from column to text; nulls are absent.
class MemorySink final : public MarketplaceSink {
 public:
  using Row = std::map<std::string, std::string>;
  void write(Table table, const table::Batch& batch) override {
    const table::Schema& schema = marketplace_tables()[table].schema;
    for (std::size_t row = 0; row < batch.n_rows(); ++row) {
      Row& out = rows_[table].emplace_back();
      for (std::size_t i = 0; i < schema.size(); ++i) {
        if (batch.is_null(i, row)) continue;
        const table::ColumnType type = schema[i].type;
        const bool is_int =
            type == table::ColumnType::kInt32 || type == table::ColumnType::kInt64 || type == table::ColumnType::kTimestamp;
        const bool is_double = type == table::ColumnType::kDouble;
        out[schema[i].name] = is_int      ? fmt::format("{}", batch.int_at(i, row))
                              : is_double ? fmt::format("{}", batch.double_at(i, row))
                                          : std::string(batch.text_at(i, row));
      }
    }
  }
  void finish() override { finished_ = true; }
  [[nodiscard]] const std::vector<Row>& rows(Table table) const { return rows_[table]; }
  [[nodiscard]] bool finished() const { return finished_; }

 private:
  std::array<std::vector<Row>, kTableCount> rows_;
  bool finished_ = false;
};

SimulationOptions small_options() {
  SimulationOptions options;
  options.items = 400;
  options.users = 300;
  options.events = 8000;
  options.days = 30;
  options.end = *parse_time("2026-03-01T00:00:00Z");
  return options;
}

std::int64_t number(const MemorySink::Row& row, const std::string& column) { return std::stoll(row.at(column)); }

/// One marketplace for the tests that only look at it.
class SimulatorTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    sink_ = new MemorySink;
    summary_ = new SimulationSummary(simulate(small_options(), *sink_));
  }
  static void TearDownTestSuite() {
    delete sink_;
    delete summary_;
  }
  static MemorySink* sink_;
  static const SimulationSummary* summary_;
};
MemorySink* SimulatorTest::sink_ = nullptr;
const SimulationSummary* SimulatorTest::summary_ = nullptr;

std::map<std::string, std::string> files_of(const SimulationOptions& options, const fs::path& folder) {
  FileSink sink(folder, FileFormat::kCsv);
  SimulationOptions with_truth = options;
  with_truth.truth = folder / "truth.json";
  simulate(with_truth, sink);
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) files[entry.path().filename().string()] = read_file(entry.path());
  return files;
}

TEST(Simulator, same_options_give_the_same_bytes_and_another_seed_others) {
  const TemporaryFolder a;
  const TemporaryFolder b;
  SimulationOptions options = small_options();
  const auto first = files_of(options, a.path());
  EXPECT_EQ(first.size(), kTableCount + 1);
  EXPECT_EQ(first, files_of(options, b.path()));
  options.seed = 2;
  const auto other = files_of(options, b.path());
  EXPECT_NE(first.at("matomo_log_visit.csv"), other.at("matomo_log_visit.csv"));
  EXPECT_NE(first.at("dataset.csv"), other.at("dataset.csv"));
}

TEST_F(SimulatorTest, number_of_events_is_met_within_five_percent_in_a_small_marketplace) {
  EXPECT_NEAR(static_cast<double>(summary_->rows[kLogLinkVisitAction]), 8000, 400);
  EXPECT_TRUE(sink_->finished());
}

TEST_F(SimulatorTest, primary_keys_are_unique) {
  for (std::size_t table = 0; table < kTableCount; ++table) {
    const TableSpec& spec = marketplace_tables()[table];
    std::set<std::string> keys;
    for (const auto& row : sink_->rows(static_cast<Table>(table))) {
      std::string key;
      for (const std::string& column : spec.primary_key) key += row.at(column) + "|";
      EXPECT_TRUE(keys.insert(key).second) << spec.name << " " << key;
    }
    EXPECT_EQ(keys.size(), summary_->rows[table]) << spec.name;
    EXPECT_GT(keys.size(), 0U) << spec.name;
  }
}

TEST_F(SimulatorTest, ids_ascend_with_time_and_all_times_lie_in_the_window) {
  const std::int64_t end = small_options().end.time_since_epoch().count();
  const std::int64_t start = end - 30 * std::int64_t{86'400'000'000};
  const std::vector<std::tuple<Table, std::string, std::string, std::int64_t>> cases = {
      {kLogLinkVisitAction, "idlink_va", "server_time", 0},
      {kLogVisit, "idvisit", "visit_first_action_time", 0},
      {kOrderTab, "id", "create_time", 8 * std::int64_t{3'600'000'000}},
      {kApiOrder, "id", "create_time", 8 * std::int64_t{3'600'000'000}}};
  for (const auto& [table, id, time, offset] : cases) {
    std::int64_t last_id = 0;
    std::int64_t last_time = 0;
    for (const auto& row : sink_->rows(table)) {
      EXPECT_EQ(number(row, id), last_id + 1);
      EXPECT_GE(number(row, time), last_time);
      EXPECT_GE(number(row, time), start + offset);
      EXPECT_LT(number(row, time), end + offset);
      last_id = number(row, id);
      last_time = number(row, time);
    }
  }
}

TEST_F(SimulatorTest, counts_are_those_of_the_rows) {
  std::map<std::int64_t, std::string> names;
  for (const auto& row : sink_->rows(kLogAction)) names[number(row, "idaction")] = row.at("name");
  Counts found;
  for (const auto& row : sink_->rows(kLogLinkVisitAction)) {
    const std::string& url = names.at(number(row, "idaction_url"));
    if (row.contains("idaction_event_category")) {
      ++found.clicks;
      EXPECT_GE(number(row, "custom_float"), 1);
      if (row.contains("custom_dimension_2")) {
        ++found.clicks_by_dimension;
        EXPECT_THAT(row.at("custom_dimension_2"), HasSubstr("click_" + row.at("custom_float") + "_"));
      } else {
        EXPECT_THAT(names.at(number(row, "idaction_name")), HasSubstr("dataset_"));
        EXPECT_THAT(row.at("custom_dimension_1"), HasSubstr("req_"));
      }
      continue;
    }
    if (url.find("from=recommend&rid=req_") != std::string::npos) ++found.clicks_on_landing;
    if (url.find("/dataDetail/") != std::string::npos) {
      ++found.detail_pages;
    } else if (url.find("/dataAPIDetail/") != std::string::npos) {
      ++found.api_detail_pages;
    } else if (url.find("/payment/") != std::string::npos) {
      ++found.payment_pages;
    } else if (url.find("/search?") != std::string::npos) {
      ++found.searches;
    } else if (row.contains("idaction_product_sku")) {
      ++found.sku_pages;
    } else {
      ++found.home_pages;
    }
  }
  const Counts& told = summary_->counts;
  EXPECT_EQ(found.views(), told.views());
  EXPECT_EQ(found.clicks, told.clicks);
  EXPECT_EQ(found.clicks_by_dimension, told.clicks_by_dimension);
  EXPECT_EQ(found.clicks_on_landing, told.clicks_on_landing);
  EXPECT_EQ(found.payment_pages, told.payment_pages);
  EXPECT_EQ(found.searches, told.searches);
  EXPECT_EQ(found.sku_pages, told.sku_pages);
  EXPECT_EQ(found.home_pages, told.home_pages);
}

TEST_F(SimulatorTest, orders_are_counted_by_what_became_of_them) {
  for (const auto& [table, told] :
       {std::pair(kOrderTab, summary_->counts.orders), std::pair(kApiOrder, summary_->counts.api_orders)}) {
    OrderCounts found;
    for (const auto& row : sink_->rows(table)) {
      const std::int64_t status = number(row, "pay_status");
      if (number(row, "update_time") > number(row, "create_time") + std::int64_t{86'400'000'000}) ++found.late;
      EXPECT_EQ(row.contains("pay_time"), status == 1 || status == 3 || status == 5);
      if (number(row, "is_delete") == 1) {
        ++found.deleted;
      } else if (status == 1 || status == 5) {
        ++found.paid;
      } else {
        ++(status == 0 ? found.unpaid : status == 2 ? found.cancelled : found.refunded);
      }
    }
    EXPECT_EQ(found.paid, told.paid);
    EXPECT_EQ(found.unpaid, told.unpaid);
    EXPECT_EQ(found.cancelled, told.cancelled);
    EXPECT_EQ(found.refunded, told.refunded);
    EXPECT_EQ(found.deleted, told.deleted);
    EXPECT_EQ(found.late, told.late);
  }
  EXPECT_GT(summary_->counts.orders.paid, 50U);
  EXPECT_GT(summary_->counts.orders.late, 5U);
}

TEST_F(SimulatorTest, conversions_name_orders_that_were_paid_in_the_visit) {
  std::map<std::string, MemorySink::Row> orders;
  for (const auto& row : sink_->rows(kOrderTab)) orders["D" + row.at("id")] = row;
  for (const auto& row : sink_->rows(kApiOrder)) orders["A" + row.at("id")] = row;
  std::set<std::string> seen;
  std::uint64_t carts = 0;
  for (const auto& row : sink_->rows(kLogConversion)) {
    EXPECT_EQ(row.contains("idorder"), row.at("idgoal") == "0");
    carts += row.at("idgoal") == "-1" ? 1U : 0U;
    if (!row.contains("idorder")) continue;
    EXPECT_TRUE(seen.insert(row.at("idorder")).second);
    const auto& order = orders.at(row.at("idorder"));
    EXPECT_EQ(number(order, "pay_time") - number(row, "server_time"), 8 * std::int64_t{3'600'000'000});
    EXPECT_NEAR(std::stod(row.at("revenue")), std::stod(order.at("price")), 1e-9);
  }
  EXPECT_EQ(seen.size(), summary_->counts.order_conversions);
  EXPECT_EQ(carts, summary_->counts.cart_updates);
}

TEST_F(SimulatorTest, prices_are_those_of_real_spends) {
  std::vector<double> prices;
  for (const auto& row : sink_->rows(kDataset)) {
    const double price = std::stod(row.at("price"));
    if (price > 0) prices.push_back(price);
  }
  std::sort(prices.begin(), prices.end());
  EXPECT_LT(prices.size(), sink_->rows(kDataset).size());
  EXPECT_GE(prices.front(), 0.1);
  EXPECT_LE(prices.back(), 40.0);
  const double median = prices[prices.size() / 2];
  EXPECT_GT(median, 1.0);
  EXPECT_LT(median, 2.5);
}

TEST_F(SimulatorTest, a_few_items_draw_most_views_and_most_draw_few) {
  std::vector<double> views;
  double sum = 0;
  for (const auto& row : sink_->rows(kDataset)) {
    views.push_back(std::stod(row.at("clout")));
    sum += views.back();
  }
  std::sort(views.rbegin(), views.rend());
  double top = 0;
  for (std::size_t i = 0; i < views.size() / 10; ++i) top += views[i];
  EXPECT_GT(top / sum, 0.3);
  EXPECT_LT(top / sum, 0.8);
}

TEST_F(SimulatorTest, some_rows_lack_what_real_ones_lack) {
  std::map<std::string, int> missing;
  int deleted = 0;
  int off_shelf = 0;
  int empty = 0;
  for (const auto& row : sink_->rows(kDataset)) {
    for (const char* column : {"description", "tag", "cover_id", "type_id", "original_price"})
      missing[column] += row.contains(column) ? 0 : 1;
    deleted += row.at("is_delete") == "1" ? 1 : 0;
    off_shelf += row.at("publish_status") == "0" ? 1 : 0;
    empty += row.contains("description") && row.at("description").empty() ? 1 : 0;
  }
  for (const auto& [column, n] : missing) {
    EXPECT_GT(n, 0) << column;
    EXPECT_LT(n, 240) << column;
  }
  EXPECT_GT(deleted, 0);
  EXPECT_GT(off_shelf, 0);
  EXPECT_GT(empty, 0);
}

TEST_F(SimulatorTest, one_visitor_with_a_user_id_is_seen_without_it_too_and_some_never_have_one) {
  std::map<std::string, std::pair<int, int>> visits;  // with, without an account
  for (const auto& row : sink_->rows(kLogVisit)) {
    auto& [with, without] = visits[row.at("idvisitor")];
    ++(row.contains("user_id") ? with : without);
    EXPECT_EQ(row.at("idvisitor").size(), 8U);
  }
  const auto count = [&](auto is) {
    return std::count_if(visits.begin(), visits.end(), [&](const auto& v) { return is(v.second.first, v.second.second); });
  };
  EXPECT_GT(count([](int with, int without) { return with > 0 && without > 0; }), 30);
  EXPECT_GT(count([](int with, int without) { return with == 0 && without > 0; }), 100);
}

TEST_F(SimulatorTest, tables_have_what_the_statement_makes) {
  for (const TableSpec& spec : marketplace_tables()) {
    EXPECT_EQ(spec.schema.size(), spec.sql_types.size()) << spec.name;
    for (const auto& column : spec.primary_key) EXPECT_THAT(create_statement(spec), HasSubstr("`" + column + "`")) << spec.name;
  }
  EXPECT_EQ(
      create_statement(marketplace_tables()[kDict]),
      "CREATE TABLE IF NOT EXISTS `dict` (`id` int(11) NOT NULL, `data_value` varchar(255) DEFAULT NULL, PRIMARY KEY (`id`)) "
      "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4");
}

TEST(Simulator, truth_file_tells_counts_clusters_tastes_and_visitors) {
  const TemporaryFolder folder;
  SimulationOptions options = small_options();
  options.truth = folder.path() / "truth.json";
  MemorySink sink;
  const SimulationSummary summary = simulate(options, sink);
  const json::Value truth = json::parse(read_file(*options.truth), "truth.json");
  EXPECT_EQ(*truth.find("tables")->find("order_tab")->as_int(), static_cast<std::int64_t>(summary.rows[kOrderTab]));
  EXPECT_EQ(*truth.find("events")->find("view")->as_int(), static_cast<std::int64_t>(summary.counts.views()));
  EXPECT_EQ(*truth.find("events")->find("order")->as_int(), static_cast<std::int64_t>(summary.counts.orders.paid));
  EXPECT_EQ(truth.find("items")->find("cluster")->as_array()->size(), 400U);
  EXPECT_EQ(truth.find("users")->find("taste")->as_array()->size(), 300U);
  EXPECT_EQ(*truth.find("end")->as_string(), "2026-03-01T00:00:00Z");
  // The visitors that the truth stitches are those that visits show.
  std::map<std::string, std::set<std::int64_t>> seen;
  std::map<std::string, std::uint64_t> pages;
  std::map<std::string, std::string> visitor_of;
  for (const auto& row : sink.rows(kLogVisit)) {
    std::string hex;
    for (const char c : row.at("idvisitor")) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
    visitor_of[row.at("idvisit")] = hex;
    if (row.contains("user_id")) seen[hex].insert(number(row, "user_id"));
  }
  for (const auto& row : sink.rows(kLogLinkVisitAction)) ++pages[visitor_of.at(row.at("idvisit"))];
  const json::Object& told = *truth.find("visitors")->find("accounts")->as_object();
  EXPECT_EQ(told.size(), seen.size());
  for (const json::Member& member : told) {
    std::set<std::int64_t> accounts;
    for (const json::Value& account : *member.value.as_array()) accounts.insert(*account.as_int());
    EXPECT_EQ(accounts, seen[member.key]) << member.key;
  }
  // The bot looks at more pages than anybody else.
  const json::Array& bots = *truth.find("visitors")->find("bots")->as_array();
  ASSERT_EQ(bots.size(), 1U);
  for (const auto& [visitor, n] : pages) EXPECT_LE(n, pages.at(*bots[0].as_string()));
}

TEST(Simulator, people_keep_to_the_clusters_of_their_taste) {
  const TemporaryFolder folder;
  SimulationOptions options = small_options();
  options.truth = folder.path() / "truth.json";
  MemorySink sink;
  simulate(options, sink);
  const json::Value truth = json::parse(read_file(*options.truth), "truth.json");
  const json::Array& cluster = *truth.find("items")->find("cluster")->as_array();
  const json::Array& taste = *truth.find("users")->find("taste")->as_array();
  int inside = 0;
  int all = 0;
  for (const auto& row : sink.rows(kOrderTab)) {
    const std::int64_t home = *cluster[static_cast<std::size_t>(number(row, "dataset_id") - 1)].as_int();
    const json::Array& tastes = *taste[static_cast<std::size_t>(number(row, "create_user") - 1)].as_array();
    inside += std::any_of(tastes.begin(), tastes.end(), [&](const json::Value& t) { return *t.as_int() == home; }) ? 1 : 0;
    ++all;
  }
  EXPECT_GT(inside, all * 8 / 10);
}

std::string message_of(const SimulationOptions& options) {
  MemorySink sink;
  try {
    simulate(options, sink);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.message();
  }
  return "";
}

TEST(Simulator, refuses_sizes_that_make_no_sense) {
  SimulationOptions options = small_options();
  options.items = 0;
  EXPECT_EQ(message_of(options), "simulate: items is 0; it must be from 1 to 100000000");
  options = small_options();
  options.days = 4000;
  EXPECT_EQ(message_of(options), "simulate: days is 4000; it must be from 1 to 3650");
  options = small_options();
  options.request_dimension = 6;
  EXPECT_EQ(message_of(options), "simulate: request dimension is 6; it must be from 1 to 5");
  options = small_options();
  options.click_dimension = 1;
  EXPECT_EQ(message_of(options), "simulate: request dimension and click dimension are both 1; they must differ");
  options = small_options();
  options.catalogues = {"x.jsonl"};
  EXPECT_EQ(message_of(options),
            "simulate: items is 400 and there is a catalogue; a catalogue brings its own items, leave one of the two out");
}

TEST(Simulator, the_smallest_marketplace_has_a_visit) {
  SimulationOptions options = small_options();
  options.items = 1;
  options.users = 1;
  options.events = 1;
  options.days = 1;
  MemorySink sink;
  const SimulationSummary summary = simulate(options, sink);
  EXPECT_EQ(summary.rows[kDataset], 1U);
  EXPECT_GE(summary.rows[kLogVisit], 1U);
}

}  // namespace
}  // namespace lodestone::simulation
