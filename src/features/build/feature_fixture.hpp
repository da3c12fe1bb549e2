#pragma once
// What the tests of the builders share: a small marketplace as tables of an engine, and its features by name.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "base/error.hpp"
#include "features/build/feature_builder.hpp"

namespace lodestone::features {

/// Everything is asked for as of 2026-10-31 00:00 UTC.
class FeatureFixture : public testing::Test {
 protected:
  FeatureFixture() {
    engine_.execute(
        "CREATE TABLE items (item_id BIGINT, title VARCHAR, description VARCHAR, tags VARCHAR[], category VARCHAR, company "
        "VARCHAR, "
        "price DOUBLE, cover_image VARCHAR, data_format VARCHAR, records DOUBLE, created_at TIMESTAMP, updated_at TIMESTAMP, "
        "is_available BOOLEAN, external_id VARCHAR);"
        "CREATE TABLE users (user_id BIGINT, company VARCHAR, province VARCHAR, city VARCHAR, industry VARCHAR[], is_consumer "
        "BOOLEAN, "
        "created_at TIMESTAMP, last_login_at TIMESTAMP);"
        "CREATE TABLE item_images (image_id BIGINT, item_id BIGINT, image_url VARCHAR, image_order BIGINT, created_at TIMESTAMP, "
        "updated_at TIMESTAMP);"
        "CREATE TABLE events (event_id VARCHAR, kind VARCHAR, user_id BIGINT, visitor_id VARCHAR, session_id VARCHAR, item_id "
        "BIGINT, "
        "\"at\" TIMESTAMP, \"value\" DOUBLE, request_id VARCHAR, position BIGINT, source VARCHAR);"
        "CREATE TABLE attributions (event_id VARCHAR, kind VARCHAR, user_id BIGINT, visitor_id VARCHAR, item_id BIGINT, \"at\" "
        "TIMESTAMP, "
        "request_id VARCHAR, position BIGINT, touch_event_id VARCHAR, touched_at TIMESTAMP)");
  }

  void sql(const std::string& statement) { engine_.execute(statement); }
  /// An event `hours` before as_of; `who` is a user's id or a guest's 16 hexadecimal digits.
  void event(const std::string& kind, const std::string& who, int item, double hours, const std::string& value = "NULL",
             const std::string& position = "NULL") {
    const bool is_guest = who.size() == 16;
    sql("INSERT INTO events VALUES ('e" + std::to_string(++n_events_) + "', '" + kind + "', " + (is_guest ? "NULL" : who) + ", " +
        (is_guest ? "'" + who + "'" : "NULL") + ", NULL, " + std::to_string(item) +
        ", TIMESTAMP '2026-10-31 00:00:00' - to_microseconds(" + std::to_string(static_cast<std::int64_t>(hours * 3600e6)) +
        "), " + value + ", NULL, " + position + ", 'test')");
  }
  void build(const fs::path& sql_folder = {}, std::uint64_t events_per_slice = 1000) {
    set_ = build_features(engine_, {sql_folder, {}, events_per_slice}, parse_time("2026-10-31T00:00:00Z").value());
  }

  [[nodiscard]] float user(std::int64_t id, const std::string& name) const { return value(set_.users, id, name); }
  [[nodiscard]] float item(std::int64_t id, const std::string& name) const { return value(set_.items, id, name); }
  /// The text of a category; "missing" when it is.
  [[nodiscard]] std::string text(const FeatureTable& table, std::int64_t id, const std::string& name) const {
    const float code = value(table, id, name);
    if (std::isnan(code)) return "missing";
    const std::string domain(features_of(table.group)[find_feature(table.group, name).value()].domain);
    return set_.vocabularies.at(domain).at(static_cast<std::size_t>(code));
  }
  static float value(const FeatureTable& table, std::int64_t id, const std::string& name) {
    const auto place = find_feature(table.group, name);
    if (!place) throw Error(ErrorCode::kNotFound, "no feature " + name);
    const auto row = table.find(id);
    if (!row) throw Error(ErrorCode::kNotFound, "no row " + std::to_string(id));
    return table.row(*row)[*place];
  }

  table::Engine engine_{{1ULL << 28U, 2, {}}};
  FeatureSet set_;
  int n_events_ = 0;
};

}  // namespace lodestone::features
