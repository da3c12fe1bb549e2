// Whose time is up gets what is there by then, and is told so.
#include "engine/deadline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/query.hpp"
#include "engine/recommender.hpp"
#include "tests/support/sample_ranking.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone::engine {
namespace {

/// A clock that goes on by one each time it is read.
std::uint64_t n_reads = 0;
std::uint64_t read_clock() { return n_reads++; }

models::ReleaseData ranked_release() {
  models::ReleaseData data = test::sample_release();
  data.ranking = test::sample_ranking(data, 3);
  data.ranking.rankers = {{"light", test::stump_ranker({"item_price"}, {{0, 4, -1, 1}})}};
  return data;
}

bool is_partial(const PageItem& item) { return (item.channels >> static_cast<unsigned>(Channel::kPartial) & 1U) != 0; }

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
    EXPECT_LE(n_all, 12U) << "a clock read is 20 to 30 ns";
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
