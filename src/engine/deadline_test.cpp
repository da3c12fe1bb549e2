// Whose time is up gets what is there by then, and is told so.
#include "engine/deadline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "engine/query.hpp"
#include "engine/recommender.hpp"
#include "tests/support/sample_ranking.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone::engine {
namespace {

/// A clock that goes on by one each time it is read.
std::uint64_t n_reads = 0;
std::uint64_t read_clock() { return n_reads++; }

/// A clock that stands still until it is told otherwise.
std::uint64_t time_now = 0;
std::uint64_t read_time() { return time_now; }

models::ReleaseData ranked_release(const std::string& ranker = test::stump_ranker({"item_price"}, {{0, 4, -1, 1}})) {
  models::ReleaseData data = test::sample_release();
  data.ranking = test::sample_ranking(data, 3);
  data.ranking.rankers = {{"light", ranker}};
  return data;
}

bool says(const PageItem& item, Channel channel) { return (item.channels >> static_cast<unsigned>(channel) & 1U) != 0; }
bool is_partial(const PageItem& item) { return says(item, Channel::kPartial); }
bool is_unranked(const PageItem& item) { return says(item, Channel::kUnranked); }

class DeadlineTest : public testing::Test {
 protected:
  /// The page of a request whose deadline has passed once the clock was read `at` times.
  const Page& make(PageRequest request, std::uint64_t at) {
    n_reads = 0;
    request.deadline = {read_clock, at};
    recommend(sample_.release(), request, scratch_, page_);
    return page_;
  }
  std::vector<std::pair<ItemIndex, float>> shown() const {
    std::vector<std::pair<ItemIndex, float>> out;
    for (const PageItem& item : page_.items) out.emplace_back(item.item, item.score);
    return out;
  }
  static PageRequest page_for_a_visitor(PageKind kind) {
    PageRequest request;
    request.kind = kind;
    if (kind != PageKind::kUser) request.item = 3;
    request.user = UserId(100);
    request.limit = 20;
    return request;
  }

  test::SampleBundle sample_{ranked_release()};
  Scratch scratch_;
  Page page_;
};

TEST_F(DeadlineTest, a_page_stops_at_whatever_point_it_passes_and_is_full_all_the_same) {
  for (const PageKind kind : {PageKind::kDetail, PageKind::kUser}) {
    const PageRequest request = page_for_a_visitor(kind);
    recommend(sample_.release(), request, scratch_, page_);
    ASSERT_NE(page_.ranker, nullptr);
    const auto whole = shown();
    make(request, 1'000);
    EXPECT_FALSE(page_.is_cut);
    EXPECT_EQ(shown(), whole);
    const std::uint64_t n_all = n_reads;
    EXPECT_GE(n_all, 5U) << "channels of a history and the ranker";
    EXPECT_LE(n_all, 16U) << "a clock read is 20 to 30 ns";
    for (std::uint64_t at = 0; at < n_all; ++at) {
      make(request, at);
      EXPECT_TRUE(page_.is_cut);
      EXPECT_EQ(n_reads, at + 1) << "then nobody asks any more";
      EXPECT_EQ(page_.ranker, nullptr);
      EXPECT_EQ(page_.items.size(), request.limit);
      EXPECT_TRUE(std::ranges::all_of(page_.items, is_partial));
      for (std::size_t i = 1; i < page_.items.size(); ++i) EXPECT_LE(page_.items[i].score, page_.items[i - 1].score);
    }
    make(request, n_all);
    EXPECT_FALSE(page_.is_cut);
  }
}

TEST_F(DeadlineTest, ranking_that_takes_longer_than_its_own_time_leaves_the_page_as_recall_has_it) {
  PageRequest request = page_for_a_visitor(PageKind::kDetail);
  request.with_ranker = false;
  make(request, 1'000);
  const auto by_recall = shown();
  EXPECT_EQ(page_.unranked, Unranked::kNot) << "nobody wanted it ranked";
  request.with_ranker = true;
  make(request, 1'000);
  const auto by_ranker = shown();
  EXPECT_NE(by_ranker, by_recall);
  std::uint64_t n_late = 0;
  for (request.ranking_nanoseconds = 0; make(request, 1'000).ranker == nullptr; ++request.ranking_nanoseconds, ++n_late) {
    ASSERT_LT(n_late, 10U);
    EXPECT_EQ(page_.unranked, Unranked::kLate);
    EXPECT_FALSE(page_.is_cut);
    EXPECT_EQ(shown(), by_recall);
    EXPECT_TRUE(std::ranges::all_of(page_.items, is_unranked));
  }
  EXPECT_GT(n_late, 0U);
  EXPECT_EQ(page_.unranked, Unranked::kNot);
  EXPECT_EQ(shown(), by_ranker);
}

TEST_F(DeadlineTest, scoring_stops_between_rows_when_it_is_told_to) {
  const models::Ranker& ranker = *sample_.release().ranking->rankers.at(0);
  constexpr std::size_t kRows = 200;
  const std::vector<float> rows(kRows * ranker.columns().size(), 1);
  std::vector<double> scores(kRows);
  int left = 0;
  const StopCheck stop{[](void* of) { return (*static_cast<int*>(of))-- == 0; }, &left};
  for (int n = 0; n < 3; ++n) {
    left = n;
    EXPECT_FALSE(ranker.score(rows, kRows, scores, scratch_.trees, stop)) << n;
  }
  left = 3;
  EXPECT_TRUE(ranker.score(rows, kRows, scores, scratch_.trees, stop)) << "after 64, 128 and 192 rows";
}

/// A ranker that fails up to hour 9 (its two leaves are together more than a double holds).
class RankingBreakerTest : public testing::Test {
 protected:
  const Page& make(int hour, PageKind kind = PageKind::kSimilar) {
    PageRequest request;
    request.kind = kind;
    if (kind != PageKind::kUser) request.item = 3;
    features::set_time(std::chrono::microseconds(std::chrono::hours(hour)).count(), request.values);
    request.deadline = {read_time, UINT64_MAX};
    request.ranking_breaker = &breaker_;
    recommend(sample_.release(), request, scratch_, page_);
    EXPECT_EQ(page_.items.size(), request.limit);
    EXPECT_EQ(std::ranges::count_if(page_.items, is_unranked), page_.unranked == Unranked::kNot ? 0 : 10);
    return page_;
  }
  static void pass(std::chrono::nanoseconds time) { time_now += static_cast<std::uint64_t>(time.count()); }

  test::SampleBundle sample_{ranked_release(test::stump_ranker({"request_hour"}, {{0, 9, 1.5e308, 1}, {0, 9, 1.5e308, 1}}))};
  Breaker breaker_;
  Scratch scratch_;
  Page page_;
};

TEST_F(RankingBreakerTest, five_failures_in_a_row_end_the_ranking_for_thirty_seconds) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(make(5).unranked, Unranked::kFailed);
  EXPECT_NE(make(12).ranker, nullptr);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(make(5).unranked, Unranked::kFailed) << "not in a row so far";
  EXPECT_EQ(breaker_.state(), Breaker::State::kOpen);
  EXPECT_EQ(make(12).unranked, Unranked::kOpen) << "nobody is asked";
  EXPECT_EQ(page_.n_failed_rankers, 0U);
  pass(std::chrono::milliseconds(29'999));
  EXPECT_EQ(make(12).unranked, Unranked::kOpen);
  pass(std::chrono::milliseconds(1));
  EXPECT_EQ(make(12, PageKind::kUser).unranked, Unranked::kNot) << "a guest's list, which has no ranker and is no try";
  EXPECT_EQ(breaker_.state(), Breaker::State::kOpen);
  EXPECT_EQ(make(5).unranked, Unranked::kFailed) << "the try";
  EXPECT_EQ(make(12).unranked, Unranked::kOpen);
  pass(std::chrono::seconds(30));
  EXPECT_NE(make(12).ranker, nullptr);
  EXPECT_EQ(breaker_.state(), Breaker::State::kClosed);
  EXPECT_NE(make(12).ranker, nullptr);
}

TEST_F(RankingBreakerTest, a_request_whose_own_time_is_over_says_nothing_of_the_rankers) {
  for (int i = 0; i < 10; ++i) {
    PageRequest request;
    request.item = 3;
    request.deadline = {read_time, time_now};
    request.ranking_breaker = &breaker_;
    recommend(sample_.release(), request, scratch_, page_);
    EXPECT_TRUE(page_.is_cut);
    EXPECT_EQ(page_.unranked, Unranked::kNot);
  }
  EXPECT_EQ(breaker_.state(), Breaker::State::kClosed);
}

TEST_F(DeadlineTest, lists_that_lie_ready_are_taken_and_nothing_is_summed) {
  PageRequest request = page_for_a_visitor(PageKind::kSimilar);
  request.with_ranker = false;
  recommend(sample_.release(), request, scratch_, page_);
  const auto by_recall = shown();
  request.with_ranker = true;
  make(request, 0);
  EXPECT_TRUE(page_.is_cut);
  EXPECT_EQ(shown(), by_recall);
  make(page_for_a_visitor(PageKind::kUser), 0);
  EXPECT_EQ(page_.candidates[static_cast<std::size_t>(Channel::kBehavior)], 0U);
  EXPECT_EQ(page_.candidates[static_cast<std::size_t>(Channel::kVector)], 0U);
  EXPECT_GT(page_.candidates[static_cast<std::size_t>(Channel::kPopular)], 0U);
}

TEST_F(DeadlineTest, a_search_that_was_cut_short_says_so_rather_than_that_there_is_nothing) {
  std::vector<std::uint64_t> tokens;
  query_tokens("气象", tokens);
  PageRequest request;
  request.kind = PageKind::kSearch;
  request.query_tokens = tokens;
  EXPECT_FALSE(make(request, 1'000).items.empty());
  EXPECT_TRUE(make(request, 0).items.empty());
  EXPECT_TRUE(page_.is_cut);
}

TEST_F(DeadlineTest, what_is_hot_lies_ready_and_asks_for_no_time) {
  PageRequest request;
  request.kind = PageKind::kTrending;
  EXPECT_FALSE(make(request, 0).is_cut);
  EXPECT_EQ(n_reads, 0U);
}

}  // namespace
}  // namespace lodestone::engine
