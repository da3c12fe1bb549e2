// Drift of features over a real server: traffic as at the fit tells nothing, other traffic raises the index of what it shifts.
#include "serving/drift.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "engine/recommender.hpp"
#include "tests/support/metrics_lint.hpp"
#include "tests/support/sample_ranking.hpp"
#include "tests/support/sample_release.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

const std::vector<std::string> kColumns{"item_price", "cross_rank_behavior", "cross_same_category"};
constexpr std::size_t kDepth = 30;

std::string series(const std::string& feature) { return "feature_stability_index{feature=\"" + feature + "\"}"; }

class DriftTest : public ::testing::Test {
 protected:
  DriftTest() {
    data = test::sample_release({.n_items = 100});
    data.ranking = test::sample_ranking(data, 3);
    data.ranking.rankers = {{"light", test::stump_ranker(kColumns, {{0, 4, -1, 1}, {1, 3, 0.25, 0}, {2, 0.5, 0, 0.1}})}};
    data.ranking.as_of = parse_time("2026-11-24T00:00:00Z");
    site.options.n_threads = 2;
    site.options.drift_pages = 10;
    site.options.follow_interval = std::chrono::milliseconds(20);
  }

  /// The reference that pages of all items give; finds the item whose page is least like it.
  void refer_to_all_items() {
    const test::SampleBundle packed(data);
    const models::Release& release = packed.release();
    const models::Ranker& ranker = *release.ranking->rankers.front();
    engine::Scratch scratch;
    engine::Page page;
    std::vector<std::vector<float>> values(kColumns.size());
    std::vector<std::vector<float>> prices;  // by page
    for (std::size_t i = 0; i < release.catalog.n_items(); ++i) {
      engine::PageRequest request;
      request.item = static_cast<ItemIndex>(i);
      engine::make_candidate_rows(release, request, ranker.vectorizer(), kDepth, scratch, page);
      for (std::size_t at = 0; at < scratch.pool.size() * kColumns.size(); ++at)
        values[at % kColumns.size()].push_back(scratch.rows[at]);
      std::vector<float>& of_page = prices.emplace_back();
      for (std::size_t r = 0; r < scratch.pool.size(); ++r) of_page.push_back(scratch.rows[r * kColumns.size()]);
    }
    for (std::size_t c = 0; c < kColumns.size(); ++c)
      data.ranking.reference.features.push_back(features::make_bins(kColumns[c], values[c]));
    data.ranking.reference.depth = kDepth;
    const features::FeatureBins& price = data.ranking.reference.features[0];
    double most = 0;
    for (std::size_t i = 0; i < prices.size(); ++i) {
      const double moved = features::stability_index(price.shares, features::count_shares(price, prices[i]));
      if (moved > most) odd_item = raw(data.items[i].id);
      most = std::max(most, moved);
    }
  }
  void start() {
    site.publish(site.pack(data));
    site.start();
  }
  /// Asks for related items of each of the ids until enough pages of the two threads were sampled.
  void visit(const std::vector<std::int64_t>& items) {
    for (std::size_t n = 0; n < 40 * ServingMetrics::kSampled; ++n)
      ASSERT_EQ(site.get("/similar/" + std::to_string(items[n * 7 % items.size()])).status, 200);
  }
  std::map<std::string, double> scrape() { return test::parse_metrics(site.admin("GET", "/metrics").body); }
  /// The index once it is told.
  double index(const std::string& feature) {
    for (int i = 0; i < 1000; ++i) {
      const auto metrics = scrape();
      const auto found = metrics.find(series(feature));
      if (found != metrics.end() && !std::isnan(found->second)) return found->second;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "no index of " << feature;
    return NAN;
  }
  std::vector<std::int64_t> all_items() const {
    std::vector<std::int64_t> out;
    for (const models::Item& item : data.items) out.push_back(raw(item.id));
    return out;
  }

  models::ReleaseData data;
  std::int64_t odd_item = 0;
  test::ServingSite site;
};

TEST_F(DriftTest, traffic_as_at_the_fit_raises_no_index) {
  refer_to_all_items();
  start();
  visit(all_items());
  for (const std::string& feature : kColumns) EXPECT_LT(index(feature), 0.2) << feature;
  test::lint_metrics(site.admin("GET", "/metrics").body);
}

TEST_F(DriftTest, traffic_about_one_odd_item_raises_the_index_of_prices) {
  refer_to_all_items();
  start();
  visit({odd_item});
  EXPECT_GT(index("item_price"), 0.25);
}

TEST_F(DriftTest, few_pages_or_no_reference_tell_nothing) {
  start();
  visit(all_items());
  EXPECT_FALSE(scrape().contains(series("item_price")));
}

}  // namespace
}  // namespace lodestone::serving
