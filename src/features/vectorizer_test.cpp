// Rows against what their documentation says, worked out without the vectorizer's code.
#include "features/vectorizer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <set>

#include "base/error.hpp"
#include "base/rng.hpp"
#include "features/schema.hpp"

namespace lodestone::features {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const Feature& feature : all_features()) names.emplace_back(feature.name);
  return names;
}

std::string failure_of(const std::vector<std::string>& columns, const StoredColumns& stored) {
  try {
    (void)Vectorizer(columns, stored.user, stored.item);
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

bool is_same(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) || (std::isnan(a) && std::isnan(b));
}

/// A request with everything by name.
struct Sample {
  std::vector<float> user, item, page;
  std::vector<std::int32_t> item_tags, page_tags;
  CandidateValues candidate;
  RequestValues request;

  [[nodiscard]] float of_user(std::string_view name) const { return user[*find_feature(Group::kUser, name)]; }
  [[nodiscard]] float of_item(std::string_view name) const { return item[*find_feature(Group::kItem, name)]; }
  [[nodiscard]] float of_page(std::string_view name) const { return page[*find_feature(Group::kItem, name)]; }
};

std::vector<std::int32_t> random_tags(Rng& rng) {
  std::vector<std::int32_t> tags;
  for (std::int32_t tag = 0; tag < 6; ++tag) {
    if (rng.chance(0.4)) tags.push_back(tag);
  }
  return tags;
}

Sample random_sample(Rng& rng) {
  Sample s;
  const auto draw = [&] { return rng.chance(0.15) ? kMissing : static_cast<float>(rng.below(6)); };
  for (std::size_t f = 0; f < features_of(Group::kUser).size(); ++f) s.user.push_back(draw());
  for (std::size_t f = 0; f < features_of(Group::kItem).size(); ++f) s.item.push_back(draw());
  for (std::size_t f = 0; f < features_of(Group::kItem).size(); ++f) s.page.push_back(draw());
  s.item_tags = random_tags(rng);
  s.page_tags = random_tags(rng);
  for (ChannelValue& channel : s.candidate.channels) {
    if (rng.chance(0.5)) channel = {static_cast<float>(rng.below(100)) / 7, 1 + static_cast<std::uint32_t>(rng.below(300))};
  }
  s.candidate.recall_score = draw();
  s.candidate.recall_rank = draw();
  s.candidate.page_cosine = draw();
  s.candidate.user_cosine = draw();
  s.candidate.history_near = draw();
  s.candidate.seen_count = draw();
  s.request = {RequestEndpoint::kDetail, draw(), draw(), draw(), draw(), draw()};
  return s;
}

std::size_t n_shared(const std::vector<std::int32_t>& a, const std::set<float>& b) {
  std::size_t n = 0;
  for (const std::int32_t tag : a) n += b.count(static_cast<float>(tag));
  return n;
}

/// The crosses by their documentation.
std::map<std::string, float> crosses_of(const Sample& s) {
  std::map<std::string, float> out;
  const float price = s.of_item("item_price");
  out["cross_price_ratio"] = std::log((1 + price) / (1 + s.of_user("user_price_mean")));
  const float low = s.of_user("user_price_min");
  const float high = s.of_user("user_price_max");
  out["cross_price_in_range"] =
      !std::isnan(price) && !std::isnan(low) && !std::isnan(high) && price >= low && price <= high ? 1 : 0;
  out["cross_price_bucket_distance"] = std::fabs(s.of_item("item_price_bucket") - s.of_user("user_price_bucket"));
  const float spend = s.of_user("user_spend_max");
  out["cross_affordability"] = std::isnan(price) || std::isnan(spend) ? kMissing
                               : price == 0 || spend / price > 10     ? 10
                                                                      : spend / price;
  std::set<float> page_tags(s.page_tags.begin(), s.page_tags.end());
  page_tags.erase(0);
  const auto shared = static_cast<float>(n_shared(s.item_tags, page_tags));
  const float n_all = static_cast<float>(s.item_tags.size() + s.page_tags.size()) - shared;
  out["cross_tag_overlap"] = shared;
  out["cross_tag_jaccard"] = n_all > 0 ? shared / n_all : 0;
  std::vector<float> top;
  for (const char* name : {"user_top_tag_1", "user_top_tag_2", "user_top_tag_3"}) {
    if (s.of_user(name) > 0) top.push_back(s.of_user(name));
  }
  float hits = 0;
  for (const float tag : top)
    hits += static_cast<float>(std::count(s.item_tags.begin(), s.item_tags.end(), static_cast<std::int32_t>(tag)));
  const float n_user_all = static_cast<float>(s.item_tags.size() + top.size()) - hits;
  out["cross_user_tag_overlap"] = hits;
  out["cross_user_tag_jaccard"] = n_user_all > 0 ? hits / n_user_all : 0;
  const auto same = [](float a, float b) { return a > 0 && b > 0 && a == b ? 1.0F : 0.0F; };
  out["cross_same_category"] = same(s.of_item("item_category"), s.of_page("item_category"));
  out["cross_same_company"] = same(s.of_item("item_company"), s.of_page("item_company"));
  out["cross_user_category"] = same(s.of_item("item_category"), s.of_user("user_top_category"));
  out["cross_page_cosine"] = s.candidate.page_cosine;
  out["cross_user_cosine"] = s.candidate.user_cosine;
  out["cross_history_near"] = s.candidate.history_near;
  out["cross_seen_count"] = s.candidate.seen_count;
  out["cross_recall_score"] = s.candidate.recall_score;
  out["cross_recall_rank"] = s.candidate.recall_rank;
  for (std::size_t c = 0; c < kCrossChannels.size(); ++c) {
    const ChannelValue& channel = s.candidate.channels[c];
    out["cross_score_" + std::string(kCrossChannels[c])] = channel.rank > 0 ? channel.score : kMissing;
    out["cross_rank_" + std::string(kCrossChannels[c])] = channel.rank > 0 ? static_cast<float>(channel.rank) : kMissing;
  }
  return out;
}

TEST(Vectorizer, rows_are_what_the_schema_says_to_the_bit) {
  const std::vector<std::string> names = all_names();
  const StoredColumns stored = stored_columns(names);
  const Vectorizer vectorizer(names, stored.user, stored.item);
  Rng rng(5);
  std::vector<float> row(names.size());
  for (int round = 0; round < 2000; ++round) {
    Sample s = random_sample(rng);
    s.candidate.item = {s.item, s.item_tags};
    vectorizer.fill(s.request, s.user, {s.page, s.page_tags}, s.candidate, row);
    const std::map<std::string, float> crosses = crosses_of(s);
    std::size_t n_crosses = 0;
    for (std::size_t c = 0; c < names.size(); ++c) {
      const std::string& name = names[c];
      float expected = kMissing;
      if (const auto at = find_feature(Group::kUser, name)) expected = s.user[*at];
      if (const auto at = find_feature(Group::kItem, name)) expected = s.item[*at];
      if (find_feature(Group::kCross, name)) expected = crosses.at(name), ++n_crosses;
      if (name == "request_endpoint") expected = 2;
      if (name == "request_device") expected = s.request.device;
      if (name == "request_locale") expected = s.request.locale;
      if (name == "request_source") expected = s.request.source;
      if (name == "request_hour") expected = s.request.hour;
      if (name == "request_weekday") expected = s.request.weekday;
      ASSERT_TRUE(is_same(row[c], expected)) << name << ": " << row[c] << ", expected " << expected << ", round " << round;
    }
    EXPECT_EQ(n_crosses, crosses.size()) << "every cross feature of the schema is checked";
  }
}

TEST(Vectorizer, some_columns_in_any_order_are_those_of_the_whole_row) {
  const std::vector<std::string> names = all_names();
  const StoredColumns stored = stored_columns(names);
  const Vectorizer whole(names, stored.user, stored.item);
  const std::vector<std::string> some{"cross_affordability", "item_price", "request_hour", "cross_user_tag_overlap",
                                      "user_order_count"};
  const StoredColumns needed = stored_columns(some);
  EXPECT_THAT(needed.user,
              ElementsAre("user_order_count", "user_spend_max", "user_top_tag_1", "user_top_tag_2", "user_top_tag_3"));
  EXPECT_THAT(needed.item, ElementsAre("item_price"));
  const Vectorizer few(some, needed.user, needed.item);
  EXPECT_THAT(std::vector<int>(few.constant().begin(), few.constant().end()), ElementsAre(0, 0, 1, 0, 1));
  EXPECT_FALSE(few.wants_page_cosine());
  Rng rng(6);
  for (int round = 0; round < 200; ++round) {
    Sample s = random_sample(rng);
    s.candidate.item = {s.item, s.item_tags};
    std::vector<float> row(names.size());
    whole.fill(s.request, s.user, {s.page, s.page_tags}, s.candidate, row);
    std::vector<float> user;
    std::vector<float> item;
    for (const std::string& name : needed.user) user.push_back(s.of_user(name));
    for (const std::string& name : needed.item) item.push_back(s.of_item(name));
    s.candidate.item = {item, s.item_tags};
    std::vector<float> small(some.size());
    few.fill(s.request, user, {item, s.page_tags}, s.candidate, small);
    for (std::size_t c = 0; c < some.size(); ++c) {
      const auto at = static_cast<std::size_t>(std::find(names.begin(), names.end(), some[c]) - names.begin());
      EXPECT_TRUE(is_same(small[c], row[at])) << some[c];
    }
  }
}

TEST(Vectorizer, a_page_without_an_item_shares_nothing_with_it) {
  const std::vector<std::string> names{"cross_tag_overlap", "cross_tag_jaccard", "cross_same_category", "cross_same_company"};
  const StoredColumns stored = stored_columns(names);
  const Vectorizer vectorizer(names, stored.user, stored.item);
  const std::vector<float> item(stored.item.size(), 3);
  const std::vector<std::int32_t> tags{1, 2};
  CandidateValues candidate;
  candidate.item = {item, tags};
  std::vector<float> row(names.size(), -1);
  vectorizer.fill({}, {}, {}, candidate, row);
  EXPECT_THAT(row, ElementsAre(0, 0, 0, 0));
}

TEST(Vectorizer, unknown_and_unstored_features_are_named) {
  const StoredColumns nothing;
  EXPECT_THAT(failure_of({"item_colour"}, nothing),
              AllOf(HasSubstr("\"item_colour\" is no feature"), HasSubstr("features list")));
  EXPECT_THAT(failure_of({"item_price"}, nothing), HasSubstr("item_price is needed and not stored"));
  EXPECT_THAT(failure_of({"cross_price_ratio"}, {{}, {"item_price"}}), HasSubstr("user_price_mean is needed and not stored"));
}

TEST(Vectorizer, somebody_unknown_has_the_defaults_of_the_schema) {
  const std::vector<std::string> names{"user_order_count", "user_spend_mean"};
  const std::vector<float> row = default_row(names);
  EXPECT_EQ(row[0], 0);
  EXPECT_TRUE(std::isnan(row[1]));
}

TEST(RequestTime, hours_and_weekdays_are_utc) {
  RequestValues values;
  set_time(0, values);  // a Thursday
  EXPECT_EQ(values.hour, 0);
  EXPECT_EQ(values.weekday, 3);
  set_time(1'795'737'600'000'000 + 13 * 3'600'000'000LL, values);  // 2026-11-27T00:00:00Z, a Friday, and 13 hours
  EXPECT_EQ(values.hour, 13);
  EXPECT_EQ(values.weekday, 4);
}

}  // namespace
}  // namespace lodestone::features
