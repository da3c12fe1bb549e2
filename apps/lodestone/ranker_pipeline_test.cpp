// The ranker from end to end: a simulated marketplace goes through the pipeline, its release answers requests, and the features that the ranker saw are
// worked out again from the lake.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "base/log.hpp"
#include "base/rng.hpp"
#include "bundle/store.hpp"
#include "engine/recommender.hpp"
#include "features/build/feature_builder.hpp"
#include "features/build/feature_store.hpp"
#include "lake/reader.hpp"
#include "lake_access.hpp"
#include "ranker_choice.hpp"
#include "ranker_stability.hpp"
#include "stages.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

bool is_same(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) || (std::isnan(a) && std::isnan(b));
}

class RankerPipelineTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    set_log_level(LogLevel::kOff);
    folder_ = std::make_unique<TemporaryFolder>();
    SimulateArguments simulate;
    simulate.to = "files:" + (folder_->path() / "data").string();
    simulate.items = 600;
    simulate.users = 2000;
    simulate.events = 80000;
    simulate.seed = 4;
    simulate.end = "2026-11-01T00:00:00Z";
    run_simulate(globals(), simulate);
    InitArguments init;
    init.folder = folder_->path() / "site";
    init.source = simulate.to;
    run_init(globals(), init);
    globals_.config_file = folder_->path() / "site" / "lodestone.yaml";
    testing::internal::CaptureStdout();
    ASSERT_EQ(run_pipeline(globals(), {}), 0);
    said_ = testing::internal::GetCapturedStdout();
  }
  static void TearDownTestSuite() {
    folder_.reset();
    globals_ = {};
    set_log_level(LogLevel::kInfo);
  }

  static Globals& globals() { return globals_; }
  static Config config() { return load_config(globals_); }
  static std::shared_ptr<const bundle::Bundle> open_current() {
    return bundle::BundleStore(config().file_path("bundle.folder")).open_current();
  }

  static std::unique_ptr<TemporaryFolder> folder_;
  static Globals globals_;
  static std::string said_;
};
std::unique_ptr<TemporaryFolder> RankerPipelineTest::folder_;
Globals RankerPipelineTest::globals_;
std::string RankerPipelineTest::said_;

/// The features of the lake as of its newest event, by the codes of the release.
features::FeatureSet features_of_lake(const Config& config, const models::Ranking& ranking) {
  table::Engine engine(engine_options(config));
  const lake::Reader reader(config.file_path("lake.folder"));
  reader.attach(engine);
  features::BuildOptions options;
  options.parameters = query_parameters(config);
  for (const auto& [domain, texts] : ranking.vocabularies) {
    for (std::size_t t = 0; t < texts.size(); ++t) options.known[domain].emplace_back(texts[t]);
  }
  return features::build_features(engine, options, features::newest_event(engine).value());
}

/// What one logged request showed.
struct Logged {
  engine::PageRequest request;
  engine::Page page;
  engine::Page unranked;  ///< all that recall gave, in its order
};

/// Checks one column of one row against what it is made from; false for a column that is checked by no rule.
bool check_column(const std::string& name, float value, const Logged& logged, std::size_t place, const models::Release& release,
                  const features::FeatureSet& lake) {
  using features::Group;
  const engine::PageItem& item = logged.page.items[place];
  const auto of_table = [&](const features::FeatureTable& table, std::int64_t id, std::string_view feature) {
    const std::size_t at = features::find_feature(table.group, feature).value();
    const auto row = table.find(id);
    const float found = row ? table.row(*row)[at] : features::kMissing;
    return std::isnan(found) ? features::features_of(table.group)[at].fallback : found;
  };
  const auto of_item = [&](std::string_view feature) {
    return of_table(lake.items, raw(release.catalog.id(item.item)), feature);
  };
  const auto of_user = [&](std::string_view feature) {
    return of_table(lake.users, logged.request.user ? raw(*logged.request.user) : -1, feature);
  };
  const auto is = [&](float expected) {
    EXPECT_TRUE(is_same(value, expected)) << name << ": online " << value << ", offline " << expected;
    return true;
  };
  if (features::find_feature(Group::kUser, name)) return is(of_user(name));
  if (features::find_feature(Group::kItem, name)) return is(of_item(name));
  for (std::size_t c = 0; c < features::kCrossChannels.size(); ++c) {
    const engine::Contribution& given = item.contributions[c];
    const std::string channel(features::kCrossChannels[c]);
    if (name == "cross_rank_" + channel) return is(given.rank > 0 ? static_cast<float>(given.rank) : features::kMissing);
    if (name == "cross_score_" + channel) return is(given.rank > 0 ? given.score : features::kMissing);
  }
  const auto at = std::find_if(logged.unranked.items.begin(), logged.unranked.items.end(),
                               [&](const engine::PageItem& other) { return other.item == item.item; });
  if (at != logged.unranked.items.end()) {
    if (name == "cross_recall_rank") return is(static_cast<float>(at - logged.unranked.items.begin() + 1));
    if (name == "cross_recall_score") return is(at->score);
  }
  if (name == "cross_price_ratio") return is(std::log((1 + of_item("item_price")) / (1 + of_user("user_price_mean"))));
  if (name == "cross_price_bucket_distance") return is(std::abs(of_item("item_price_bucket") - of_user("user_price_bucket")));
  if (name == "cross_user_category") {
    const float top = of_user("user_top_category");
    return is(top > 0 && of_item("item_category") == top ? 1 : 0);
  }
  if (name == "request_hour") return is(13);
  if (name == "request_weekday") return is(6);
  return false;
}

TEST_F(RankerPipelineTest, what_the_ranker_saw_in_thousands_of_requests_is_what_the_lake_says_to_the_bit) {
  const auto bundle = open_current();
  const models::Release& release = bundle->release();
  ASSERT_NE(release.ranking, nullptr) << said_;
  const features::FeatureSet lake = features_of_lake(config(), *release.ranking);
  const std::vector<std::string>& columns = release.ranking->rankers.front()->columns();
  engine::Scratch scratch;
  Logged logged;
  Rng rng(12);
  std::size_t n_values = 0;
  std::size_t n_checked = 0;
  for (int r = 0; r < 3000; ++r) {
    logged.request = {};
    logged.request.kind = static_cast<engine::PageKind>(r % 3);
    if (r % 3 != 2) logged.request.item = static_cast<ItemIndex>(rng.below(release.catalog.n_items()));
    if (r % 3 != 0 && rng.chance(0.9)) logged.request.user = release.users.id(rng.below(release.users.size()));
    logged.request.values.hour = 13;
    logged.request.values.weekday = 6;
    logged.request.with_rows = true;
    engine::recommend(release, logged.request, scratch, logged.page);
    engine::PageRequest whole = logged.request;
    whole.with_ranker = false;
    whole.limit = 100;  // more would ask the channels for longer lists
    engine::recommend(release, whole, scratch, logged.unranked);
    for (std::size_t k = 0; k * columns.size() < logged.page.rows.size(); ++k) {
      for (std::size_t c = 0; c < columns.size(); ++c, ++n_values) {
        if (check_column(columns[c], logged.page.rows[k * columns.size() + c], logged, k, release, lake)) ++n_checked;
      }
      ASSERT_FALSE(HasFailure()) << "request " << r << ", place " << k;
    }
  }
  EXPECT_GT(n_values, 100'000U);
  EXPECT_GT(n_checked, n_values * 7 / 10) << "most columns have a rule here; the others have theirs in vectorizer_test";
}

/// Events after those of the lake, in the lake's table for `engine` and for an online state.
std::vector<features::OnlineEvent> add_later_events(table::Engine& engine, const models::Release& release, TimePoint after) {
  constexpr std::array kKinds = {"view", "click", "cart", "order", "exposure", "api_order", "refund"};
  std::vector<features::OnlineEvent> events;
  std::string rows;
  Rng rng(5);
  for (int e = 0; e < 300; ++e) {
    features::OnlineEvent event;
    const std::string id = fmt::format("later-{}", e);
    const char* kind = kKinds[rng.below(kKinds.size())];
    event.id = features::online_event_id(id);
    event.kind = features::find_event_kind(kind).value();
    event.user = release.users.id(rng.below(20));
    event.item = release.catalog.id(static_cast<ItemIndex>(rng.below(50)));
    event.at = after + std::chrono::minutes(1 + 11 * e);
    if (event.kind == features::EventKind::kOrder) event.value = static_cast<double>(1 + rng.below(30));
    rows += fmt::format("{}('{}', '{}', {}, {}, make_timestamp({}), {})", e == 0 ? "" : ", ", id, kind, raw(*event.user),
                        raw(event.item), event.at.time_since_epoch().count(),
                        std::isnan(event.value) ? "NULL" : fmt::format("{}", event.value));
    events.push_back(event);
  }
  engine.execute("CREATE TABLE all_events AS SELECT * FROM events UNION ALL BY NAME SELECT * FROM (VALUES " + rows +
                 ") t(event_id, kind, user_id, item_id, \"at\", value)");
  engine.execute("CREATE OR REPLACE VIEW events AS SELECT * FROM all_events");
  return events;
}

TEST_F(RankerPipelineTest, rows_brought_up_to_date_by_events_are_what_the_lake_says_with_those_events) {
  const auto bundle = open_current();
  const models::Release& release = bundle->release();
  const auto snapshot = bundle->online_snapshot();
  ASSERT_TRUE(snapshot.has_value());
  const Config settings = config();
  table::Engine engine(engine_options(settings));
  const lake::Reader reader(settings.file_path("lake.folder"));
  reader.attach(engine);
  features::OnlineState state(*snapshot, {});
  for (const features::OnlineEvent& event : add_later_events(engine, release, snapshot->as_of))
    ASSERT_EQ(state.add(event, event.at), features::OnlineState::Added::kAdded);
  features::BuildOptions options;
  options.parameters = query_parameters(settings);
  const TimePoint now = features::newest_event(engine).value();
  ASSERT_GT(now, snapshot->as_of + std::chrono::hours(50));
  const features::FeatureSet lake = features::build_features(engine, options, now);

  const std::vector<std::string>& columns = release.ranking->rankers.front()->columns();
  engine::Scratch scratch;
  engine::Page page;
  std::size_t n_checked = 0;
  for (std::size_t u = 0; u < 20; ++u) {
    engine::PageRequest request;
    request.kind = engine::PageKind::kUser;
    request.user = release.users.id(u);
    request.limit = 50;
    request.with_rows = true;
    request.online = &state;
    request.now = now;
    engine::recommend(release, request, scratch, page);
    for (std::size_t k = 0; k * columns.size() < page.rows.size(); ++k) {
      for (std::size_t c = 0; c < columns.size(); ++c) {
        for (const features::FeatureTable* table : {&lake.users, &lake.items}) {
          const auto online = features::online_columns(table->group);
          if (std::find(online.begin(), online.end(), columns[c]) == online.end()) continue;
          const std::int64_t id = table == &lake.users ? raw(*request.user) : raw(release.catalog.id(page.items[k].item));
          const std::size_t at = features::find_feature(table->group, columns[c]).value();
          const auto row = table->find(id);
          float expected = row ? table->row(*row)[at] : features::kMissing;
          if (std::isnan(expected)) expected = features::features_of(table->group)[at].fallback;
          const float found = page.rows[k * columns.size() + c];
          // Sums in another order: one unit in the last place (features/online_state.hpp).
          EXPECT_TRUE(is_same(found, expected) || std::abs(found - expected) <= 2e-7F * std::abs(expected) + 1e-44F)
              << columns[c] << " of " << id << ": served " << found << ", of the lake " << expected;
          ++n_checked;
        }
      }
    }
  }
  EXPECT_GT(n_checked, 1'000U);
}

TEST_F(RankerPipelineTest, training_says_what_is_served_and_the_bundle_says_why) {
  EXPECT_THAT(said_, HasSubstr(" is served: NDCG@10 "));
  const auto bundle = open_current();
  const json::Value* ranker = bundle->manifest().document.find("metrics")->find("ranker");
  ASSERT_NE(ranker, nullptr);
  EXPECT_THAT(*ranker->find("labels")->as_string(), HasSubstr("no exposures yet"));
  const fs::path folder = config().file_path("bundle.folder");
  const std::string card = read_file(folder / bundle->manifest().id / bundle::kModelCardFile);
  EXPECT_THAT(card, HasSubstr("| recall alone |"));
  EXPECT_THAT(card, HasSubstr("as there are no exposures yet"));
  const bundle::BundleStore store(folder);
  const std::vector<FeatureStability> drifts = load_stability(store, bundle->manifest().id);
  ASSERT_FALSE(drifts.empty());
  EXPECT_THAT(card, HasSubstr(fmt::format("| `{}` | {:.3f} |", drifts.front().name, drifts.front().index)));
  for (const char* name : {"baseline", "lightweight", "minimal"}) EXPECT_THAT(card, HasSubstr(fmt::format("| {} |", name)));
  EXPECT_THAT(read_file(folder / "ranker.html"), AllOf(HasSubstr("lightweight"), HasSubstr("How far its features moved")));
  EXPECT_LE(bundle->release().ranking->rankers.front()->columns().size(), 30U);
}

TEST_F(RankerPipelineTest, the_bundle_says_as_of_when_its_features_are_and_what_the_ranker_was_fitted_on) {
  const auto bundle = open_current();
  const models::Ranking& ranking = *bundle->release().ranking;
  const features::FeatureStore store(config().file_path("lake.folder") / "features" / features::kFeatureStoreFile);
  EXPECT_EQ(ranking.as_of, store.as_of());
  const std::vector<std::string>& columns = ranking.rankers.front()->columns();
  ASSERT_EQ(ranking.reference.features.size(), columns.size());
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const features::FeatureBins& bins = ranking.reference.features[c];
    EXPECT_EQ(bins.name, columns[c]);
    EXPECT_NEAR(std::accumulate(bins.shares.begin(), bins.shares.end(), 0.0), 1, 1e-9);
  }
  EXPECT_EQ(ranking.reference.depth, RankerOptions{}.depth);
}

TEST_F(RankerPipelineTest, the_store_has_the_rows_of_the_release) {
  const auto bundle = open_current();
  const models::Release& release = bundle->release();
  const features::FeatureStore store(config().file_path("lake.folder") / "features" / features::kFeatureStoreFile);
  const models::FeatureRows& rows = release.ranking->items;
  const std::vector<float> defaults = features::default_row(rows.columns);
  for (std::size_t i = 0; i < release.catalog.n_items(); i += 7) {
    const auto stored = store.find(features::Group::kItem, raw(release.catalog.id(static_cast<ItemIndex>(i))));
    ASSERT_TRUE(stored.has_value());
    for (std::size_t c = 0; c < rows.columns.size(); ++c) {
      const float value = (*stored)[features::find_feature(features::Group::kItem, rows.columns[c]).value()];
      const float expected = std::isnan(value) ? defaults[c] : value;
      const float found = rows.row(i)[c];
      EXPECT_TRUE((std::isnan(expected) && std::isnan(found)) || expected == found) << rows.columns[c];
    }
  }
}

TEST_F(RankerPipelineTest, a_release_whose_features_moved_too_far_is_not_published) {
  const std::string before = open_current()->manifest().id;
  ASSERT_EQ(setenv("LODESTONE_BUNDLE_MAX_DRIFT", "0", 1), 0);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  PipelineArguments evaluate;
  evaluate.from = "evaluate";
  const int code = run_pipeline(globals(), evaluate);
  const std::string refused = testing::internal::GetCapturedStderr();
  const std::string table = testing::internal::GetCapturedStdout();
  ASSERT_EQ(unsetenv("LODESTONE_BUNDLE_MAX_DRIFT"), 0);
  EXPECT_EQ(code, 3);
  EXPECT_THAT(refused, AllOf(HasSubstr("is not published: feature "), HasSubstr("bundle.max_drift is 0")));
  const auto bundle = open_current();
  for (const std::string& column : bundle->release().ranking->rankers.front()->columns()) {
    // Counts of days grow by themselves and take no part.
    if (!column.starts_with("item_") || column.find("_days") != std::string::npos) continue;
    EXPECT_THAT(table, HasSubstr(column));
  }
  EXPECT_EQ(bundle->manifest().id, before);
}

TEST_F(RankerPipelineTest, a_ranker_has_to_beat_the_one_before_it) {
  const std::string before = open_current()->manifest().id;
  // The same data with rankers that may hardly learn: the one that is served stays.
  const fs::path file = folder_->path() / "weak.yaml";
  write_file_atomic(file, "weak:\n  n_estimators: 1\n  num_leaves: 2\n  learning_rate: 0.001\n");
  ASSERT_EQ(setenv("LODESTONE_TRAINING_RANKER_FILE", file.c_str(), 1), 0);
  testing::internal::CaptureStdout();
  PipelineArguments train;
  train.from = "train";
  const int code = run_pipeline(globals(), train);
  ASSERT_EQ(unsetenv("LODESTONE_TRAINING_RANKER_FILE"), 0);
  ASSERT_EQ(code, 0);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr(" of the release before stays: NDCG@10 "));
  const auto bundle = open_current();
  EXPECT_NE(bundle->manifest().id, before);
  ASSERT_NE(bundle->release().ranking, nullptr);
  EXPECT_NE(bundle->release().ranking->rankers.front()->name(), "weak");
}

TEST_F(RankerPipelineTest, without_rankers_the_release_has_none) {
  ASSERT_EQ(setenv("LODESTONE_TRAINING_RANKER", "false", 1), 0);
  testing::internal::CaptureStdout();
  PipelineArguments train;
  train.from = "train";
  const int code = run_pipeline(globals(), train);
  ASSERT_EQ(unsetenv("LODESTONE_TRAINING_RANKER"), 0);
  (void)testing::internal::GetCapturedStdout();
  ASSERT_EQ(code, 0);
  const auto bundle = open_current();
  EXPECT_EQ(bundle->release().ranking, nullptr);
  EXPECT_TRUE(bundle->manifest().rankers.empty());
  engine::PageRequest request;
  request.kind = engine::PageKind::kUser;
  request.user = bundle->release().users.id(0);
  engine::Scratch scratch;
  engine::Page page;
  engine::recommend(bundle->release(), request, scratch, page);
  EXPECT_FALSE(page.items.empty());
  EXPECT_EQ(page.ranker, nullptr);
}

}  // namespace
}  // namespace lodestone::app
