#include "engine/recommender.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "engine/query.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone::engine {
namespace {

using models::ReleaseData;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

models::OwnedNeighbours lists_of(const std::vector<std::vector<models::ScoredItem>>& rows) {
  models::OwnedNeighbours out;
  for (const auto& row : rows) {
    for (const models::ScoredItem& entry : row) {
      out.items.push_back(entry.item);
      out.scores.push_back(entry.score);
    }
    out.offsets.push_back(out.items.size());
  }
  return out;
}

models::ChannelWeights weights_of(double behavior, double content, double popular) {
  models::ChannelWeights weights;
  for (const models::WeightField& field : models::kWeightFields) weights.*field.field = 0;
  weights.behavior = behavior;
  weights.content = content;
  weights.popular = popular;
  return weights;
}

/// Eight items of two categories (even and odd), ids 100 + place, and a user 7 who saw item 0 and owns item 3.
ReleaseData small_release() {
  ReleaseData data;
  data.items.resize(8);
  for (std::size_t i = 0; i < 8; ++i) {
    data.items[i].id = ItemId(static_cast<std::int64_t>(100 + i));
    data.items[i].title = i % 2 == 0 ? "weather data" : "traffic data";
    data.items[i].category = i % 2 == 0 ? "even" : "odd";
  }
  data.behavior = lists_of({{{1, 0.8F}, {2, 0.6F}}, {}, {}, {}, {}, {}, {}, {}});
  data.behavior_influence = lists_of({{{4, 0.9F}, {3, 0.6F}, {5, 0.3F}}, {}, {}, {}, {}, {}, {}, {}});
  data.content = lists_of({{{2, 10}, {6, 5}}, {}, {}, {}, {}, {}, {}, {}});
  data.popular = lists_of({{{7, 30}, {1, 20}, {0, 10}}});
  data.popular_by_category = lists_of({{{4, 9}, {0, 8}}, {{7, 30}}});
  data.trending = lists_of({{}, {{5, 3}, {6, 2}}, {{6, 9}, {7, 8}}});
  std::vector<std::uint64_t> tokens;
  query_tokens("weather", tokens);
  data.text = {tokens, {0, 2}, {0, 2}, {1.0F, 3.0F}};
  data.users = {{UserId(7), {0}, {2.0F}, {3}}};
  data.weights = weights_of(1, 0.5, 0.1);
  return data;
}

class RecommenderTest : public ::testing::Test {
 protected:
  const Page& page_of(const PageRequest& request) {
    recommend(sample_.release(), request, scratch_, page_);
    return page_;
  }
  /// "place:reason" of each item.
  std::vector<std::string> shown(const PageRequest& request) {
    std::vector<std::string> out;
    for (const PageItem& item : page_of(request).items) {
      out.push_back(std::to_string(item.item) + ':');
      append_reason(out.back(), item.channels);
    }
    return out;
  }
  test::SampleBundle sample_{small_release()};
  Scratch scratch_;
  Page page_;
};

TEST_F(RecommenderTest, similar_items_come_from_behaviour_and_content_then_from_the_category) {
  PageRequest request;
  request.item = 0;
  EXPECT_THAT(shown(request), ElementsAre("2:behavior+content", "1:behavior", "6:content", "4:category", "7:popular",
                                          "5:fallback:catalog", "3:fallback:catalog"));
  EXPECT_EQ(page_.degrade_reason, "");
  EXPECT_FALSE(page_.user_known);
  EXPECT_EQ(page_.candidates[static_cast<std::size_t>(Channel::kBehavior)], 2U);
  EXPECT_EQ(page_.candidates[static_cast<std::size_t>(Channel::kContent)], 2U);
}

TEST_F(RecommenderTest, scores_follow_the_formula) {
  PageRequest request;
  request.item = 0;
  page_of(request);
  const auto second = 61.0 / 62.0;
  EXPECT_NEAR(page_.items[0].score, (1.0 * 0.75 * second + 0.5 * 1.0) / 1.5, 1e-6);  // item 2
  EXPECT_NEAR(page_.items[1].score, 1.0 / 1.5, 1e-6);                                // item 1
  EXPECT_NEAR(page_.items[2].score, 0.5 * 0.5 * second / 1.5, 1e-6);                 // item 6
  EXPECT_NEAR(page_.items[3].score, page_.items[2].score * 0.95, 1e-6);
}

TEST_F(RecommenderTest, contributions_name_rank_and_raw_score) {
  PageRequest request;
  request.item = 0;
  const PageItem& both = page_of(request).items[0];
  EXPECT_EQ(both.contributions[static_cast<std::size_t>(Channel::kBehavior)].rank, 2);
  EXPECT_EQ(both.contributions[static_cast<std::size_t>(Channel::kBehavior)].score, 0.6F);
  EXPECT_EQ(both.contributions[static_cast<std::size_t>(Channel::kContent)].rank, 1);
  EXPECT_EQ(both.contributions[static_cast<std::size_t>(Channel::kContent)].score, 10.0F);
  EXPECT_EQ(both.contributions[static_cast<std::size_t>(Channel::kPopular)].rank, 0);
}

TEST_F(RecommenderTest, a_weight_changes_the_order_and_zero_switches_off) {
  PageRequest request;
  request.item = 0;
  request.limit = 3;
  models::ChannelWeights weights = weights_of(0.2, 1.0, 0.1);
  request.weights = &weights;
  EXPECT_THAT(shown(request), ElementsAre("2:behavior+content", "6:content", "1:behavior"));
  weights = weights_of(0, 1, 0);
  EXPECT_THAT(shown(request), ElementsAre("2:content", "6:content", "4:category"));
  EXPECT_EQ(page_.candidates[static_cast<std::size_t>(Channel::kBehavior)], 0U);
  weights = weights_of(1, 0, 0);
  EXPECT_THAT(shown(request), ElementsAre("1:behavior", "2:behavior", "4:category"));
}

TEST_F(RecommenderTest, weights_that_are_no_weights_switch_off) {
  PageRequest request;
  request.item = 0;
  request.limit = 2;
  const models::ChannelWeights weights = weights_of(-1, std::numeric_limits<double>::quiet_NaN(), 1);
  request.weights = &weights;
  EXPECT_THAT(shown(request), ElementsAre("4:fallback:popular", "7:fallback:popular"));
}

TEST_F(RecommenderTest, the_release_brings_its_weights) {
  ReleaseData data = small_release();
  data.weights = weights_of(0, 1, 0);
  const test::SampleBundle other(data);
  PageRequest request;
  request.item = 0;
  request.limit = 1;
  recommend(other.release(), request, scratch_, page_);
  EXPECT_EQ(page_.items[0].channels, 1U << static_cast<unsigned>(Channel::kContent));
}

TEST_F(RecommenderTest, an_item_without_lists_falls_back_and_says_so) {
  PageRequest request;
  request.item = 4;
  EXPECT_THAT(shown(request), ElementsAre("0:fallback:popular", "7:fallback:popular", "1:fallback:popular", "6:fallback:catalog",
                                          "5:fallback:catalog", "3:fallback:catalog", "2:fallback:catalog"));
  EXPECT_EQ(page_.degrade_reason, "no_candidates");
}

TEST_F(RecommenderTest, a_known_user_gets_what_the_history_speaks_for) {
  PageRequest request;
  request.kind = PageKind::kUser;
  request.user = UserId(7);
  request.limit = 5;
  // Item 3 is owned; 2 and 6 are like item 0, 4 and 5 go with it.
  EXPECT_THAT(shown(request), ElementsAre("4:behavior", "2:content", "5:behavior", "6:content", "7:popular"));
  EXPECT_TRUE(page_.user_known);
  EXPECT_EQ(page_.degrade_reason, "");
}

TEST_F(RecommenderTest, guests_and_unknown_users_get_what_is_popular) {
  PageRequest request;
  request.kind = PageKind::kUser;
  request.limit = 4;
  const std::vector<std::string> guest = shown(request);
  EXPECT_THAT(guest, ElementsAre("7:popular", "1:popular", "0:popular", "6:fallback:catalog"));
  request.user = UserId(12345);
  EXPECT_EQ(shown(request), guest);
  EXPECT_FALSE(page_.user_known);
}

TEST_F(RecommenderTest, a_detail_page_adds_the_visitors_history) {
  PageRequest request;
  request.kind = PageKind::kDetail;
  request.item = 0;
  request.limit = 4;
  EXPECT_THAT(shown(request), ElementsAre("2:behavior+content", "1:behavior", "6:content", "4:category"));
  request.user = UserId(7);
  EXPECT_THAT(shown(request), ElementsAre("2:behavior+content", "1:behavior", "4:behavior", "6:content"));
  EXPECT_TRUE(page_.user_known);
}

TEST_F(RecommenderTest, trending_takes_the_window_or_the_next_wider) {
  PageRequest request;
  request.kind = PageKind::kTrending;
  request.window = models::TrendingWindow::kWeek;
  request.limit = 3;
  EXPECT_THAT(shown(request), ElementsAre("6:trending", "7:trending", "1:popular"));
  request.window = models::TrendingWindow::kDay;
  EXPECT_THAT(shown(request), ElementsAre("5:trending", "6:trending", "7:trending"));
  request.window = models::TrendingWindow::kHour;  // nothing happened
  EXPECT_THAT(shown(request), ElementsAre("5:trending", "6:trending", "7:trending"));
  EXPECT_EQ(page_.degrade_reason, "");
}

TEST_F(RecommenderTest, a_trace_tells_the_time_of_each_channel_that_was_asked) {
  static std::uint64_t reads;
  reads = 0;
  RecallTrace trace;
  trace.now = [] { return ++reads; };
  PageRequest request;
  request.kind = PageKind::kDetail;
  request.item = 0;
  request.user = UserId(7);
  request.limit = 8;
  const std::vector<PageItem> plain = page_of(request).items;
  EXPECT_EQ(reads, 0U);
  recommend(sample_.release(), request, scratch_, page_, &trace);
  const auto of = [&](Channel channel) { return trace.nanoseconds[static_cast<std::size_t>(channel)]; };
  EXPECT_EQ(of(Channel::kBehavior), 3U);  // the history is summed; the page item's list and the history's are fused
  EXPECT_EQ(of(Channel::kContent), 3U);
  EXPECT_EQ(of(Channel::kCategory), 1U);
  EXPECT_EQ(of(Channel::kPopular), 1U);
  EXPECT_EQ(of(Channel::kCatalog), 1U);
  EXPECT_EQ(of(Channel::kTrending), 0U);
  ASSERT_EQ(page_.items.size(), plain.size());  // looking changes nothing
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_EQ(page_.items[i].item, plain[i].item);
}

/// The same with lists for every channel: item 1 comes after item 0, users 7 and 8 are alike, 0 and 5 share tags and a price.
class ChannelsTest : public ::testing::Test {
 protected:
  static ReleaseData release() {
    ReleaseData data = small_release();
    data.sequence = lists_of({{{1, 2}, {6, 1}}, {}, {}, {}, {}, {}, {}, {}});
    data.tag = lists_of({{{5, 0.9F}}, {}, {}, {}, {}, {}, {}, {}});
    data.users.push_back({UserId(8), {0, 6}, {1, 4}, {}});
    data.item_users = lists_of({{{0, 1}, {1, 0.7F}}, {}, {}, {}, {}, {}, {{1, 0.7F}}, {}});
    data.price_bucket = {0, 1, 1, 1, 1, 0, 1, 1};
    data.price = lists_of({{{5, 3}, {0, 1}}, {{7, 2}}});
    data.fresh = lists_of({{{2, 1}, {4, 0.5F}}});
    // Items 0, 4 and 7 lie in one direction, 1 and 6 in another; nobody met the others.
    const std::vector<float> vectors = {1, 0, 0, 1, 0, 0, 0, 0, 0.9F, 0.1F, 0, 0, 0.2F, 0.8F, 0.8F, 0.1F};
    data.vectors = test::latent_of(vectors, 2, lists_of({{{4, 0.99F}, {7, 0.9F}}, {{6, 0.9F}}, {}, {}, {}, {}, {}, {}}));
    data.weights = weights_of(0, 0, 0);
    return data;
  }
  /// The first item and its reason when one channel alone has a weight.
  std::string alone(double models::ChannelWeights::*field, const PageRequest& request) {
    models::ChannelWeights weights = weights_of(0, 0, 0);
    weights.*field = 1;
    PageRequest weighed = request;
    weighed.weights = &weights;
    recommend(sample_.release(), weighed, scratch_, page_);
    std::string out = std::to_string(page_.items.at(0).item) + ':';
    append_reason(out, page_.items.at(0).channels);
    return out;
  }
  test::SampleBundle sample_{release()};
  Scratch scratch_;
  Page page_;
};

TEST_F(ChannelsTest, each_speaks_for_the_page_of_an_item) {
  PageRequest request;
  request.item = 0;
  EXPECT_EQ(alone(&models::ChannelWeights::sequence, request), "1:sequence");
  EXPECT_EQ(alone(&models::ChannelWeights::tag, request), "5:tag");
  models::ChannelWeights weights = weights_of(1, 0, 0);
  weights.price = 1;
  weights.category = 1;
  request.weights = &weights;
  recommend(sample_.release(), request, scratch_, page_);
  std::vector<std::string> reasons;
  for (const PageItem& item : page_.items) append_reason(reasons.emplace_back(), item.channels);
  EXPECT_THAT(reasons, ::testing::IsSupersetOf({"behavior", "price", "category"}));
}

TEST_F(ChannelsTest, each_speaks_for_the_page_of_a_user) {
  PageRequest request;
  request.kind = PageKind::kUser;
  request.user = UserId(7);
  EXPECT_EQ(alone(&models::ChannelWeights::sequence, request), "1:sequence");
  EXPECT_EQ(alone(&models::ChannelWeights::usercf, request), "6:usercf") << "user 8 has seen item 0 too";
  EXPECT_EQ(alone(&models::ChannelWeights::tag, request), "5:tag");
  EXPECT_EQ(alone(&models::ChannelWeights::category, request), "4:category");
  EXPECT_EQ(alone(&models::ChannelWeights::price, request), "5:price");
  EXPECT_EQ(alone(&models::ChannelWeights::fresh, request), "2:new");
  EXPECT_EQ(alone(&models::ChannelWeights::popular, request), "7:popular");
}

TEST_F(ChannelsTest, vectors_speak_for_items_and_for_histories) {
  PageRequest request;
  request.item = 0;
  EXPECT_EQ(alone(&models::ChannelWeights::vector, request), "4:vector");
  PageRequest user;
  user.kind = PageKind::kUser;
  user.user = UserId(7);
  EXPECT_EQ(alone(&models::ChannelWeights::vector, user), "4:vector") << "item 0 itself is in the history";
  EXPECT_EQ(page_.items.at(1).item, 7);
  const double first = page_.items.at(0).contributions[static_cast<std::size_t>(Channel::kVector)].score;
  const double second = page_.items.at(1).contributions[static_cast<std::size_t>(Channel::kVector)].score;
  EXPECT_GT(first, second);
  const Filter odd = Filter::parse("category=\"odd\"");
  user.filter = &odd;
  EXPECT_EQ(alone(&models::ChannelWeights::vector, user), "7:vector");
}

TEST_F(ChannelsTest, what_was_done_just_now_stands_before_the_history) {
  PageRequest request;
  request.kind = PageKind::kUser;
  request.user = UserId(7);
  const std::vector<ItemIndex> recent = {1};
  request.recent = recent;
  EXPECT_EQ(alone(&models::ChannelWeights::vector, request), "6:vector");
  request.user.reset();
  EXPECT_EQ(alone(&models::ChannelWeights::vector, request), "6:vector") << "a guest has nothing else";
  EXPECT_FALSE(page_.user_known);
  const std::vector<ItemIndex> twice = {0, 0};
  request.recent = twice;
  EXPECT_EQ(alone(&models::ChannelWeights::sequence, request), "1:sequence");
}

TEST_F(ChannelsTest, near_sessions_speak_for_what_stands_near_the_shared_item) {
  ReleaseData data = release();
  data.users.pop_back();
  data.guests = lists_of({{{2, 1}, {6, 1}, {4, 1}, {0, 1}, {1, 1}}});
  data.item_users = lists_of({{{1, 1}}, {{1, 1}}, {{1, 1}}, {}, {{1, 1}}, {}, {{1, 1}}, {}});
  const test::SampleBundle sample(data);
  models::ChannelWeights weights = weights_of(0, 0, 0);
  weights.session = 1;
  PageRequest request;
  request.kind = PageKind::kUser;
  request.user = UserId(7);
  request.weights = &weights;
  request.limit = 4;
  recommend(sample.release(), request, scratch_, page_);
  std::vector<ItemIndex> items;
  for (const PageItem& item : page_.items) items.push_back(item.item);
  EXPECT_THAT(items, ElementsAre(1, 4, 6, 2)) << "one, one, two and three places from item 0";
  EXPECT_EQ(page_.items[0].channels, 1U << static_cast<unsigned>(Channel::kSequence));
}

TEST_F(ChannelsTest, a_user_is_no_neighbour_of_himself) {
  PageRequest request;
  request.kind = PageKind::kUser;
  request.user = UserId(8);
  alone(&models::ChannelWeights::usercf, request);
  EXPECT_THAT(scratch_.near_users, ElementsAre(0)) << "user 7 alone";
  EXPECT_EQ(page_.candidates[static_cast<std::size_t>(Channel::kUserCf)], 0U) << "user 7 has nothing that user 8 has not seen";
}

TEST_F(ChannelsTest, a_release_without_their_lists_goes_on_without_them) {
  const test::SampleBundle plain(small_release());
  models::ChannelWeights weights;
  PageRequest request;
  request.weights = &weights;
  request.user = UserId(7);
  request.item = 0;
  for (const PageKind kind : {PageKind::kSimilar, PageKind::kDetail, PageKind::kUser}) {
    request.kind = kind;
    recommend(plain.release(), request, scratch_, page_);
    EXPECT_THAT(page_.items, ::testing::Not(IsEmpty()));
  }
}

TEST_F(RecommenderTest, a_search_gives_what_matches_and_no_more) {
  PageRequest request;
  request.kind = PageKind::kSearch;
  std::vector<std::uint64_t> tokens;
  query_tokens("WEATHER nonsense weather", tokens);
  request.query_tokens = tokens;
  EXPECT_THAT(shown(request), ElementsAre("2:content", "0:content"));
  EXPECT_EQ(page_.items[0].score, 1.0F);
  query_tokens("nonsense", tokens);
  request.query_tokens = tokens;
  EXPECT_THAT(shown(request), IsEmpty());
  request.query_tokens = {};
  request.limit = 2;
  EXPECT_THAT(shown(request), ElementsAre("7:popular", "1:popular"));
}

TEST_F(RecommenderTest, a_limit_of_nothing_is_an_empty_page) {
  PageRequest request;
  request.item = 0;
  request.limit = 0;
  EXPECT_THAT(page_of(request).items, IsEmpty());
}

TEST_F(RecommenderTest, exclusions_and_filters_hold_for_every_source) {
  PageRequest request;
  request.item = 0;
  const std::vector<ItemId> exclude{ItemId(102), ItemId(107), ItemId(999)};
  request.exclude = exclude;
  EXPECT_THAT(shown(request), ElementsAre("1:behavior", "6:content", "4:category", "5:fallback:catalog", "3:fallback:catalog"));
  const Filter filter = Filter::parse(R"(category="odd")");
  request.filter = &filter;
  EXPECT_THAT(shown(request), ElementsAre("1:behavior", "5:fallback:catalog", "3:fallback:catalog"));
}

TEST(Query, is_cut_into_different_tokens_and_bounded) {
  std::vector<std::uint64_t> tokens;
  query_tokens("weather weather data", tokens);
  EXPECT_THAT(tokens, SizeIs(2));
  std::string huge;
  for (int i = 0; i < 10'000; ++i) huge += std::to_string(i) + ' ';
  query_tokens(huge, tokens);
  EXPECT_THAT(tokens, SizeIs(kMaxQueryTokens));
  query_tokens("\xff\xfe", tokens);
  query_tokens("", tokens);
  EXPECT_THAT(tokens, IsEmpty());
}

TEST(Query, completes_the_word_that_is_being_typed) {
  const test::SampleBundle sample(test::sample_release());
  std::vector<std::uint64_t> whole;
  query_tokens("weather", whole);
  std::vector<std::uint64_t> tokens;
  for (const char* typed : {"wea", "WEATH", "weather"}) {
    search_tokens(sample.release(), typed, tokens);
    EXPECT_THAT(tokens, ::testing::IsSupersetOf(whole)) << typed;
  }
  search_tokens(sample.release(), "wea ", tokens);
  EXPECT_THAT(tokens, ::testing::Not(::testing::IsSupersetOf(whole))) << "the word is finished";
  search_tokens(sample.release(), "wea traffic", tokens);
  EXPECT_THAT(tokens, SizeIs(2)) << "only the last word is being typed";
  search_tokens(sample.release(), "", tokens);
  EXPECT_THAT(tokens, IsEmpty());
  search_tokens(sample.release(), "qqqq", tokens);
  EXPECT_THAT(tokens, SizeIs(1));
}

TEST(Channel, reasons_join_names_in_one_order) {
  std::string reason;
  append_reason(reason, 0b1'1111'1111'1111);
  EXPECT_EQ(reason,
            "behavior+content+vector+sequence+usercf+tag+category+price+popular+trending+new+fallback:popular+fallback:catalog");
  reason.clear();
  append_reason(reason, 0);
  EXPECT_EQ(reason, "");
}

TEST(Recommender, an_empty_release_gives_empty_pages) {
  ReleaseData data;
  data.popular = lists_of({{}});
  data.trending = lists_of({{}, {}, {}});
  const test::SampleBundle sample(data);
  Scratch scratch;
  Page page;
  PageRequest request;
  request.kind = PageKind::kUser;
  recommend(sample.release(), request, scratch, page);
  EXPECT_THAT(page.items, IsEmpty());
  EXPECT_EQ(page.degrade_reason, "no_candidates");
  warm(sample.release(), scratch, page);
}

}  // namespace
}  // namespace lodestone::engine
