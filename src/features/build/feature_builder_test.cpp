// Values counted by hand on a small marketplace.
#include "features/build/feature_builder.hpp"

#include "features/build/feature_fixture.hpp"

namespace lodestone::features {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kGuest = "00000000000000ff";

class FeatureBuilder : public FeatureFixture {
 protected:
  void add_items() {
    sql("INSERT INTO items VALUES "
        "(10, '公交数据', '<p>stop times</p>', ['bus', 'city'], 'traffic', 'Acme', 1, 'a.png', 'csv', 99, '2026-10-01', "
        "'2026-10-21', true, NULL), "
        "(11, 'Rain', '<br>', ['rain', 'city'], 'weather', 'Acme', 3, NULL, 'csv', 0, '2026-10-11', NULL, true, NULL), "
        "(12, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL)");
    sql("INSERT INTO item_images VALUES (1, 10, 'x', 1, '2026-10-05', '2026-10-26'), (2, 10, 'y', 2, '2026-10-06', NULL)");
  }
  void add_users() {
    sql("INSERT INTO users VALUES (1, 'Acme', 'Zhejiang', 'Hangzhou', ['retail', 'energy'], true, '2026-10-01', '2026-10-30'), "
        "(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL)");
  }
};

TEST_F(FeatureBuilder, user_counts_windows_and_spend_are_those_of_the_events) {
  add_items();
  add_users();
  event("view", "1", 10, 0.5);
  event("view", "1", 10, 2);
  event("view", "1", 11, 100);
  event("click", "1", 11, 200);
  event("exposure", "1", 11, 200);
  event("exposure", "1", 10, 200);
  event("cart", "1", 10, 800);
  event("order", "1", 10, 24 * 4, "2.0");
  event("api_order", "1", 11, 24 * 14, "6.0");
  event("refund", "1", 11, 24, "1.0");
  build();
  EXPECT_THAT(set_.users.ids, ElementsAre(1, 2));
  EXPECT_EQ(user(1, "user_order_count"), 2);
  EXPECT_EQ(user(1, "user_api_order_count"), 1);
  EXPECT_EQ(user(1, "user_refund_count"), 1);
  EXPECT_EQ(user(1, "user_cart_count"), 1);
  EXPECT_EQ(user(1, "user_view_count"), 3);
  EXPECT_EQ(user(1, "user_exposure_count"), 2);
  EXPECT_EQ(user(1, "user_views_1h"), 1);
  EXPECT_EQ(user(1, "user_views_24h"), 2);
  EXPECT_EQ(user(1, "user_views_7d"), 3);
  EXPECT_EQ(user(1, "user_clicks_7d"), 0);
  EXPECT_EQ(user(1, "user_clicks_30d"), 1);
  EXPECT_EQ(user(1, "user_orders_7d"), 1);
  EXPECT_EQ(user(1, "user_spend_sum"), 8);
  EXPECT_EQ(user(1, "user_spend_mean"), 4);
  EXPECT_EQ(user(1, "user_spend_std"), 2);
  EXPECT_EQ(user(1, "user_spend_min"), 2);
  EXPECT_EQ(user(1, "user_spend_max"), 6);
  EXPECT_EQ(user(1, "user_first_order_days"), 14);
  EXPECT_EQ(user(1, "user_last_order_days"), 4);
  EXPECT_EQ(user(1, "user_order_span_days"), 10);
  EXPECT_FLOAT_EQ(user(1, "user_order_frequency"), 60.0F / 14);
  EXPECT_FLOAT_EQ(user(1, "user_order_recency"), 0.2F);
  EXPECT_EQ(user(1, "user_is_active"), 1);
  EXPECT_EQ(user(1, "user_is_power"), 0);
  // Days 0, 4, 8 and 14; the cart is older than 30 days.
  EXPECT_EQ(user(1, "user_active_days_30d"), 4);
  EXPECT_FLOAT_EQ(user(1, "user_click_rate"), (1 + 20 * 0.5F) / (2 + 20));
  EXPECT_FLOAT_EQ(user(1, "user_order_rate"), (2 + 20 * 0.5F) / (4 + 20));
}

TEST_F(FeatureBuilder, user_taste_counts_an_item_once) {
  add_items();
  add_users();
  event("view", "1", 10, 1);
  event("click", "1", 10, 2);
  event("view", "1", 11, 24 * 8);
  event("exposure", "1", 12, 1);
  build();
  EXPECT_EQ(user(1, "user_item_count"), 2);
  EXPECT_EQ(user(1, "user_items_7d"), 1);
  EXPECT_EQ(user(1, "user_items_30d"), 2);
  EXPECT_EQ(user(1, "user_price_min"), 1);
  EXPECT_EQ(user(1, "user_price_max"), 3);
  EXPECT_EQ(user(1, "user_price_mean"), 2);
  EXPECT_EQ(user(1, "user_price_median"), 2);
  EXPECT_EQ(user(1, "user_price_bucket"), 4.5F);
  EXPECT_EQ(user(1, "user_category_count"), 2);
  EXPECT_EQ(text(set_.users, 1, "user_top_category"), "traffic");
  EXPECT_EQ(user(1, "user_top_category_share"), 0.5F);
  EXPECT_EQ(user(1, "user_tag_count"), 3);
  EXPECT_EQ(user(1, "user_tag_diversity"), 0.75F);
  EXPECT_EQ(text(set_.users, 1, "user_top_tag_1"), "city");
  EXPECT_EQ(user(1, "user_top_tag_1_count"), 2);
  EXPECT_EQ(text(set_.users, 1, "user_top_tag_2"), "bus");
  EXPECT_EQ(text(set_.users, 1, "user_top_tag_3"), "rain");
  EXPECT_EQ(text(set_.users, 1, "user_company"), "Acme");
  EXPECT_EQ(text(set_.users, 1, "user_industry"), "energy");
  EXPECT_EQ(user(1, "user_industry_count"), 2);
  EXPECT_EQ(user(1, "user_is_consumer"), 1);
  EXPECT_EQ(user(1, "user_account_days"), 30);
  EXPECT_EQ(user(1, "user_last_login_days"), 1);
}

TEST_F(FeatureBuilder, item_text_price_and_images_are_those_of_the_catalogue) {
  add_items();
  build();
  EXPECT_THAT(set_.items.ids, ElementsAre(10, 11, 12));
  EXPECT_EQ(item(10, "item_title_length"), 4);
  EXPECT_EQ(item(10, "item_text_length"), 10);
  EXPECT_EQ(item(10, "item_has_description"), 1);
  EXPECT_EQ(item(11, "item_has_description"), 0);  // markup alone is no text
  EXPECT_GT(item(10, "item_word_count"), item(11, "item_word_count"));
  EXPECT_EQ(item(10, "item_tag_count"), 2);
  EXPECT_EQ(item(10, "item_has_cover"), 1);
  EXPECT_EQ(item(11, "item_has_cover"), 0);
  EXPECT_EQ(item(10, "item_image_count"), 2);
  EXPECT_EQ(item(10, "item_image_days"), 5);
  EXPECT_EQ(item(11, "item_has_images"), 0);
  EXPECT_EQ(item(10, "item_price"), 1);
  EXPECT_FLOAT_EQ(item(10, "item_price_log"), std::log(2.0F));
  EXPECT_EQ(item(10, "item_price_bucket"), 0);
  EXPECT_EQ(item(11, "item_price_bucket"), 9);
  EXPECT_FLOAT_EQ(item(10, "item_price_zscore"), -1);
  EXPECT_FLOAT_EQ(item(11, "item_price_zscore"), 1);
  EXPECT_EQ(item(10, "item_age_days"), 30);
  EXPECT_FLOAT_EQ(item(10, "item_freshness"), 0.5F);
  EXPECT_EQ(item(10, "item_update_days"), 10);
  EXPECT_FLOAT_EQ(item(10, "item_records_log"), std::log(100.0F));
  EXPECT_EQ(text(set_.items, 10, "item_category"), "traffic");
  EXPECT_EQ(text(set_.items, 10, "item_top_tag"), "city");
  EXPECT_EQ(item(10, "item_company"), item(11, "item_company"));
}

TEST_F(FeatureBuilder, item_events_people_and_buyers_are_those_of_the_events) {
  add_items();
  add_users();
  event("view", "1", 10, 24);  // at 24 h the window of 24 h is over
  event("view", kGuest, 10, 24 * 7 + 1);
  event("order", "1", 10, 24 * 7 + 1, "4.0");
  event("order", "2", 10, 24 * 40, "2.0");
  event("click", "1", 11, 1);
  build();
  EXPECT_EQ(item(10, "item_views_24h"), 0);
  EXPECT_EQ(item(10, "item_views_7d"), 1);
  EXPECT_EQ(item(10, "item_views_all"), 2);
  EXPECT_EQ(item(10, "item_orders_30d"), 1);
  EXPECT_EQ(item(10, "item_orders_all"), 2);
  EXPECT_EQ(item(10, "item_revenue"), 6);
  EXPECT_EQ(item(10, "item_revenue_30d"), 4);
  EXPECT_EQ(item(10, "item_order_value_mean"), 3);
  EXPECT_EQ(item(10, "item_people_all"), 3);
  EXPECT_EQ(item(10, "item_people_7d"), 1);
  EXPECT_EQ(item(10, "item_people_30d"), 2);
  EXPECT_EQ(item(10, "item_buyer_count"), 2);
  EXPECT_EQ(item(10, "item_buyer_spend_sum_mean"), 3);
  EXPECT_EQ(item(10, "item_buyer_view_count_mean"), 0.5F);
  EXPECT_EQ(item(10, "item_buyer_account_days_mean"), 30);  // of those that are known
  EXPECT_EQ(item(10, "item_last_event_days"), 1);
  EXPECT_EQ(item(10, "item_active_days_30d"), 2);
  EXPECT_NEAR(item(10, "item_popularity_1d"), 0.5 + 6 * std::pow(0.5, 7 + 1.0 / 24) + 5 * std::pow(0.5, 40), 1e-6);
  EXPECT_EQ(item(11, "item_popularity_rank"), 2);
  EXPECT_EQ(item(10, "item_popularity_rank"), 1);
  EXPECT_EQ(item(12, "item_popularity_rank"), 3);
  EXPECT_EQ(item(10, "item_popularity_percentile"), 1);
  // 3 touches and 2 orders in all.
  EXPECT_FLOAT_EQ(item(10, "item_order_rate"), (2 + 20 * 2.0F / 3) / (2 + 20));
  EXPECT_TRUE(std::isnan(item(10, "item_click_rate")));  // nothing was ever shown
}

TEST_F(FeatureBuilder, slots_are_rates_of_their_position_and_multiply_no_rows) {
  add_items();
  for (const char* position : {"1", "1", "2", "3", "12"}) event("exposure", "1", 10, 5, "NULL", position);
  event("click", "1", 10, 5, "NULL", "1");
  event("exposure", "1", 11, 5, "NULL", "1");
  sql("INSERT INTO attributions VALUES ('e6', 'click', 1, NULL, 10, '2026-10-30', 'r', 1, 'e6', '2026-10-30'), "
      "('o1', 'order', 1, NULL, 10, '2026-10-30', 'r', 1, 'e6', '2026-10-30')");
  build();
  EXPECT_EQ(set_.items.ids.size(), 3U);
  EXPECT_FLOAT_EQ(item(10, "item_slot_ctr_1"), (1 + 20.0F / 3) / (2 + 20));
  EXPECT_FLOAT_EQ(item(12, "item_slot_ctr_1"), 1.0F / 3);
  EXPECT_EQ(item(10, "item_slot_ctr_2_3"), 0);
  EXPECT_TRUE(std::isnan(item(10, "item_slot_ctr_4_10")));
  EXPECT_EQ(item(10, "item_slot_cvr_1"), 1);
  EXPECT_EQ(item(10, "item_exposures_all"), 5);
}

TEST_F(FeatureBuilder, users_that_only_events_know_have_a_row_and_guests_have_none) {
  add_items();
  event("view", "77", 10, 1);
  event("view", kGuest, 10, 1);
  build();
  EXPECT_THAT(set_.users.ids, ElementsAre(77));
  EXPECT_EQ(text(set_.users, 77, "user_company"), "missing");
  EXPECT_EQ(user(77, "user_views_1h"), 0);
  EXPECT_EQ(user(77, "user_views_24h"), 1);
}

TEST_F(FeatureBuilder, equal_prices_share_a_bucket_and_buckets_are_tenths_of_the_data) {
  sql("INSERT INTO items (item_id, price, is_available) SELECT i, CASE WHEN i <= 50 THEN 0.1 ELSE i END, true FROM range(1, 102) "
      "t(i)");
  build();
  for (const int id : {1, 25, 50}) EXPECT_EQ(item(id, "item_price_bucket"), 0) << id;
  EXPECT_EQ(item(51, "item_price_bucket"), 5);
  EXPECT_EQ(item(101, "item_price_bucket"), 9);
}

TEST_F(FeatureBuilder, what_was_only_shown_does_not_move_time) {
  event("exposure", "1", 10, 30);
  EXPECT_EQ(newest_event(engine_), std::nullopt);
  event("view", "1", 10, 20);
  const std::optional<TimePoint> viewed = newest_event(engine_);
  EXPECT_TRUE(viewed.has_value());
  event("exposure", "1", 10, 1);
  EXPECT_EQ(newest_event(engine_), viewed);
}

TEST_F(FeatureBuilder, one_item_one_user_and_no_event_give_a_row_each) {
  sql("INSERT INTO items (item_id, price, is_available) VALUES (5, 2, true)");
  sql("INSERT INTO users (user_id) VALUES (6)");
  build();
  EXPECT_EQ(newest_event(engine_), std::nullopt);
  EXPECT_EQ(item(5, "item_price_bucket"), 0);
  EXPECT_EQ(item(5, "item_price_zscore"), 0);
  EXPECT_EQ(item(5, "item_views_all"), 0);
  EXPECT_EQ(item(5, "item_popularity_rank"), 1);
  EXPECT_EQ(user(6, "user_order_count"), 0);
  EXPECT_EQ(user(6, "user_spend_sum"), 0);
  EXPECT_TRUE(std::isnan(user(6, "user_spend_mean")));
}

TEST_F(FeatureBuilder, columns_of_nulls_are_missing_or_their_default) {
  add_items();
  add_users();
  build();
  for (const FeatureTable* table : {&set_.users, &set_.items}) {
    const std::int64_t id = table == &set_.users ? 2 : 12;
    for (const Feature& feature : features_of(table->group)) {
      const float found = value(*table, id, std::string(feature.name));
      if (feature.name == "item_popularity_rank" || feature.name == "item_popularity_percentile") continue;
      EXPECT_TRUE(std::isnan(feature.fallback) ? std::isnan(found) : found == feature.fallback)
          << feature.name << " is " << found;
    }
  }
}

TEST_F(FeatureBuilder, an_empty_lake_gives_empty_tables) {
  build();
  EXPECT_TRUE(set_.users.ids.empty());
  EXPECT_TRUE(set_.items.values.empty());
}

TEST_F(FeatureBuilder, categories_are_numbered_by_how_often_they_come) {
  sql("INSERT INTO items (item_id, category, is_available) VALUES (1, 'b', true), (2, 'a', true), (3, 'c', true), (4, 'c', "
      "true)");
  build();
  EXPECT_THAT(set_.vocabularies.at("category"), ElementsAre("", "c", "a", "b"));
  EXPECT_EQ(item(4, "item_category"), 1);
  EXPECT_EQ(item(1, "item_category"), 3);
}

TEST_F(FeatureBuilder, rare_categories_share_code_0) {
  sql("INSERT INTO items (item_id, company, is_available) SELECT i, 'company ' || lpad(CAST(i AS VARCHAR), 5, '0'), true FROM "
      "range(1, 1102) t(i)");
  build();
  EXPECT_EQ(set_.vocabularies.at("company").size(), kMaxCategories + 1);
  EXPECT_EQ(item(1000, "item_company"), 1000);
  EXPECT_EQ(item(1001, "item_company"), 0);
}

TEST_F(FeatureBuilder, a_doubled_key_is_refused_before_it_multiplies_rows) {
  sql("INSERT INTO users (user_id) VALUES (6), (6)");
  try {
    build();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kContract);
    EXPECT_THAT(error.message(), HasSubstr("user_id"));
  }
}

TEST_F(FeatureBuilder, a_query_of_ones_own_must_give_the_features_of_the_schema) {
  const TemporaryFolder folder;
  make_folders(folder.path() / "features");
  const auto fault = [&](const std::string& query) {
    write_file_atomic(folder.path() / "features/user.sql", query);
    try {
      build(folder.path());
    } catch (const Error& error) {
      return error.message();
    }
    return std::string();
  };
  EXPECT_THAT(fault("SELECT 1 AS user_id"), HasSubstr("there is no column user_order_count"));
  EXPECT_THAT(fault("SELECT 1 AS user_id, 2 AS user_luck"), HasSubstr("column user_luck is no user feature"));
}

TEST_F(FeatureBuilder, parquet_holds_what_the_matrix_holds) {
  add_items();
  add_users();
  event("view", "1", 10, 1);
  build();
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "features/item.parquet";
  EXPECT_EQ(write_features(engine_, set_, set_.items, path), 3U);
  const std::string file = "read_parquet(" + table::quote_literal(path.string()) + ")";
  EXPECT_EQ(engine_.query_text("SELECT item_category FROM " + file + " WHERE item_id = 10"), "traffic");
  EXPECT_EQ(engine_.query_double("SELECT CAST(item_views_24h AS DOUBLE) FROM " + file + " WHERE item_id = 10"), 1);
  EXPECT_EQ(engine_.query_int("SELECT count(*) FROM " + file + " WHERE item_price IS NULL"), 1);
  EXPECT_EQ(engine_.describe("SELECT * FROM " + file).size(), 1 + features_of(Group::kItem).size());
  // Nothing of the build is left behind.
  EXPECT_EQ(engine_.query_int("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'feature_%'"), 0);
}

}  // namespace
}  // namespace lodestone::features
