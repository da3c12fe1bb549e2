#include "bundle/bundle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <thread>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "features/schema.hpp"
#include "tests/support/sample_ranking.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone::bundle {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

/// The sentence with which a call fails, and its code's label in front.
std::string failure_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return fmt::format("{}: {}", label(error.code()), error.message());
  }
  return "no failure";
}

class BundleTest : public ::testing::Test {
 protected:
  std::string pack_sample(std::uint64_t seed = 1) {
    test::SampleOptions options;
    options.seed = seed;
    return pack(test::sample_release(options), test::sample_info(), store());
  }
  [[nodiscard]] fs::path store() const { return folder_.path() / "bundles"; }
  [[nodiscard]] std::vector<std::string> names_in_store() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(store())) {
      if (entry.path().filename() != ".pack.lock") names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  TemporaryFolder folder_;
};

void write(const fs::path& path, std::string_view text) { std::ofstream(path, std::ios::binary) << text; }

/// Changes the manifest and signs it again, as somebody would who only has a text editor and sha256sum.
void edit_manifest(const fs::path& bundle, const std::string& from, const std::string& to) {
  std::string text = read_file(bundle / "manifest.json");
  const std::size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  write(bundle / "manifest.json", text);
  write(bundle / "manifest.sha256", manifest_hash_line(text));
}

void expect_same_lists(const models::Neighbours& found, const models::OwnedNeighbours& packed) {
  EXPECT_THAT(found.offsets(), ElementsAreArray(packed.offsets));
  EXPECT_THAT(found.items(), ElementsAreArray(packed.items));
  EXPECT_THAT(found.scores(), ElementsAreArray(packed.scores));
}

TEST_F(BundleTest, opens_as_it_was_packed) {
  models::ReleaseData data = test::sample_release();
  data.weights = {0.7, 0.2, 0.6, 0.1, 0.3, 0.05, 0, 0.3, 0, 0.4, 1};
  const std::string id = pack(data, test::sample_info(), store());
  const auto bundle = Bundle::open(store() / id);
  const models::Release& release = bundle->release();
  EXPECT_EQ(release.id, id);
  EXPECT_EQ(release.weights.behavior, 0.7);
  EXPECT_EQ(release.weights.content, 0.2);
  EXPECT_EQ(release.weights.popular, 0.4);
  ASSERT_EQ(release.catalog.n_items(), data.items.size());
  for (std::size_t i = 0; i < data.items.size(); ++i) {
    const models::Item& item = data.items[i];
    const auto at = static_cast<ItemIndex>(i);
    EXPECT_EQ(release.catalog.find(item.id), at);
    EXPECT_EQ(release.catalog.title(at), item.title);
    EXPECT_EQ(release.catalog.description(at), item.description);
    EXPECT_EQ(release.catalog.category(at), item.category);
    EXPECT_EQ(release.catalog.company(at), item.company);
    EXPECT_EQ(release.catalog.data_format(at), item.data_format);
    EXPECT_EQ(release.catalog.tags(at).size(), item.tags.size());
    EXPECT_EQ(release.catalog.created_at(at), item.created_at);
    EXPECT_EQ(release.catalog.is_available(at), item.is_available);
    EXPECT_TRUE(release.catalog.price(at) == item.price || (std::isnan(item.price) && std::isnan(release.catalog.price(at))));
  }
  expect_same_lists(release.behavior, data.behavior);
  expect_same_lists(release.vector, data.vectors.neighbours);
  EXPECT_THAT(release.vectors.index().arrays().vectors, ElementsAreArray(data.vectors.index.vectors));
  expect_same_lists(release.behavior_influence, data.behavior_influence);
  expect_same_lists(release.content, data.content);
  expect_same_lists({release.popular.offsets, release.popular.items, release.popular.scores}, data.popular);
  expect_same_lists({release.popular_by_category.offsets, release.popular_by_category.items, release.popular_by_category.scores},
                    data.popular_by_category);
  expect_same_lists({release.trending.offsets, release.trending.items, release.trending.scores}, data.trending);
  EXPECT_THAT(release.text.tokens, ElementsAreArray(data.text.tokens));
  EXPECT_THAT(release.text.weights, ElementsAreArray(data.text.weights));
  ASSERT_EQ(release.users.size(), data.users.size());
  for (std::size_t u = 0; u < data.users.size(); ++u) {
    EXPECT_EQ(release.users.find(data.users[u].id), u);
    EXPECT_THAT(release.users.history(u), ElementsAreArray(data.users[u].history));
    EXPECT_THAT(release.users.history_weights(u), ElementsAreArray(data.users[u].history_weights));
    EXPECT_THAT(release.users.owned(u), ElementsAreArray(data.users[u].owned));
  }
}

/// A release with features and two rankers.
models::ReleaseData ranked_release() {
  models::ReleaseData data = test::sample_release();
  data.ranking = test::sample_ranking(data, 2);
  const std::vector<std::string> columns{"item_price", "cross_price_ratio"};
  data.ranking.rankers = {{"light", test::stump_ranker(columns, {{0, 4, -1, 1}})},
                          {"large", test::stump_ranker(columns, {{1, 0, 0, 1}})}};
  data.ranking.card = "# Ranker\n";
  data.ranking.as_of = parse_time("2026-11-24T09:00:00Z");
  data.ranking.reference.features = {features::make_bins("item_price", {1, 2, 3}, 3)};
  return data;
}

TEST_F(BundleTest, the_ranking_comes_back_as_it_was_packed) {
  const models::ReleaseData data = ranked_release();
  const auto bundle = Bundle::open(store() / pack(data, test::sample_info(), store()));
  const models::Ranking& ranking = *bundle->release().ranking;
  ASSERT_EQ(ranking.rankers.size(), 2U);
  EXPECT_EQ(ranking.rankers[0]->name(), "light");
  EXPECT_EQ(ranking.rankers[1]->name(), "large");
  EXPECT_EQ(ranking.as_of, data.ranking.as_of);
  ASSERT_EQ(ranking.reference.features.size(), 1U);
  EXPECT_EQ(ranking.reference.features[0].shares, data.ranking.reference.features[0].shares);
  EXPECT_THAT(ranking.rankers[0]->columns(), ElementsAre("item_price", "cross_price_ratio"));
  EXPECT_EQ(ranking.users.columns, data.ranking.users.columns);
  EXPECT_EQ(ranking.items.columns, data.ranking.items.columns);
  const auto same = [](std::span<const float> found, const std::vector<float>& packed) {
    return found.size() == packed.size() && std::memcmp(found.data(), packed.data(), found.size_bytes()) == 0;
  };
  EXPECT_TRUE(same(ranking.users.values, data.ranking.users.values)) << "missing ones stay missing";
  EXPECT_TRUE(same(ranking.items.values, data.ranking.items.values));
  EXPECT_THAT(ranking.item_tags, ElementsAreArray(data.ranking.item_tags));
  EXPECT_EQ(ranking.vocabularies.find("tag")->second[2], "b");
  EXPECT_EQ(bundle->manifest().feature_schema_hash, features::schema_hash());
}

TEST_F(BundleTest, the_model_card_can_tell_of_the_release_as_it_is_served) {
  std::size_t n_rankers = 0;
  const std::string id = pack(ranked_release(), test::sample_info(), store(), [&](const models::Release& release) {
    n_rankers = release.ranking->rankers.size();
    return std::string("# Measured\n");
  });
  EXPECT_EQ(n_rankers, 2U);
  EXPECT_EQ(read_file(store() / id / kModelCardFile), "# Measured\n");
  const auto bundle = Bundle::open(store() / id);
  EXPECT_EQ(bundle->manifest().id, id);
  const auto n_all = static_cast<std::size_t>(std::distance(fs::directory_iterator(store() / id), fs::directory_iterator()));
  EXPECT_EQ(bundle->manifest().files.size() + 2, n_all);
  EXPECT_NE(pack(ranked_release(), test::sample_info(), store()), id);
}

TEST_F(BundleTest, features_of_another_schema_are_refused) {
  const std::string id = pack(ranked_release(), test::sample_info(), store());
  edit_manifest(store() / id, features::schema_hash(), std::string(64, 'a'));
  EXPECT_THAT(failure_of([&] { Bundle::open(store() / id); }),
              AllOf(HasSubstr("corrupt: "), HasSubstr("its features have the schema aaaa"), HasSubstr("train again")));
}

TEST_F(BundleTest, a_ranker_that_is_cut_off_or_wants_what_is_not_stored_is_no_release) {
  models::ReleaseData data = ranked_release();
  const std::string whole = data.ranking.rankers[0].text;
  data.ranking.rankers[0].text = whole.substr(0, whole.size() / 2);
  EXPECT_THAT(failure_of([&] { pack(data, test::sample_info(), store()); }),
              AllOf(HasSubstr("corrupt: "), HasSubstr("light: line ")));
  data.ranking.rankers[0].text = test::stump_ranker({"item_colour"}, {{0, 1, 0, 1}});
  EXPECT_THAT(failure_of([&] { pack(data, test::sample_info(), store()); }), HasSubstr("\"item_colour\" is no feature"));
  data.ranking.rankers[0].text = whole;
  std::erase(data.ranking.items.columns, "item_price");
  data.ranking.items.values.resize(data.items.size() * data.ranking.items.columns.size());
  EXPECT_THAT(failure_of([&] { pack(data, test::sample_info(), store()); }), HasSubstr("item_price is needed and not stored"));
  EXPECT_THAT(names_in_store(), IsEmpty()) << "nothing is left behind";
}

TEST_F(BundleTest, a_ranker_without_its_file_or_features_is_named) {
  const std::string id = pack(ranked_release(), test::sample_info(), store());
  edit_manifest(store() / id, "\"light\"", "\"other\"");
  EXPECT_THAT(failure_of([&] { Bundle::open(store() / id); }),
              HasSubstr("names the ranker other and does not list ranker-other.txt"));
}

TEST_F(BundleTest, an_empty_release_is_a_release) {
  models::ReleaseData data;
  const models::OwnedNeighbours one_row{{0, 0}, {}, {}};
  data.popular = one_row;
  data.trending = {{0, 0, 0, 0}, {}, {}};
  const std::string id = pack(data, test::sample_info(), store());
  EXPECT_EQ(Bundle::open(store() / id)->release().catalog.n_items(), 0U);
}

TEST_F(BundleTest, the_manifest_tells_where_the_release_came_from) {
  const std::string id = pack_sample();
  EXPECT_THAT(id, MatchesRegex("b-20261124T093000Z-[0-9a-f]{8}"));
  const Manifest manifest = Manifest::load(store() / id);
  const auto text = [&](const char* key) { return json::format(*manifest.document.find(key)); };
  EXPECT_EQ(text("format_version"), "5");
  EXPECT_EQ(text("created"), "\"2026-11-24T09:30:00Z\"");
  EXPECT_EQ(text("product_version"), "\"0.1.0\"");
  EXPECT_EQ(text("feature_schema_sha256"), "null");
  EXPECT_EQ(text("sources"), R"({"order_tab":"2026-11-24T09:00:00Z/20387"})");
  EXPECT_EQ(text("metrics"), R"({"ndcg@10":0.4434})");
  EXPECT_THAT(text("counts"), AllOf(HasSubstr("\"items\":60"), HasSubstr("\"users\":20")));
  std::vector<std::string> names;
  for (const BundleFile& file : manifest.files) {
    names.push_back(file.name);
    EXPECT_EQ(file.bytes, fs::file_size(store() / id / file.name));
    EXPECT_EQ(file.sha256, sha256_hex(read_file(store() / id / file.name)));
  }
  EXPECT_THAT(names, ElementsAre("behavior.safetensors", "channels.safetensors", "content.safetensors", "fold_in.safetensors",
                                 "items.safetensors", "popular.safetensors", "text.safetensors", "users.safetensors",
                                 "vectors.safetensors"));
}

TEST_F(BundleTest, the_same_release_has_the_same_id_and_folder) {
  const std::string id = pack_sample();
  EXPECT_EQ(pack_sample(), id);
  EXPECT_THAT(names_in_store(), ElementsAre(id));
  EXPECT_NE(pack_sample(2), id);
}

TEST_F(BundleTest, other_metrics_make_another_bundle) {
  BundleInfo info = test::sample_info();
  info.metrics = json::Value();
  EXPECT_NE(pack(test::sample_release(), info, store()), pack_sample());
}

TEST_F(BundleTest, what_a_killed_run_left_goes_with_the_next_pack) {
  fs::create_directories(store() / ".new-20200101T000000Z");
  write(store() / ".new-20200101T000000Z" / "items.safetensors", "half");
  const std::string id = pack_sample();
  EXPECT_THAT(names_in_store(), ElementsAre(id));
}

TEST_F(BundleTest, two_packers_at_once_wait_for_each_other) {
  std::string first;
  std::thread other([&] { first = pack_sample(1); });
  const std::string second = pack_sample(2);
  other.join();
  EXPECT_THAT(find_problems(store() / first), IsEmpty());
  EXPECT_THAT(find_problems(store() / second), IsEmpty());
  EXPECT_EQ(names_in_store().size(), 2U);
}

TEST_F(BundleTest, models_that_do_not_fit_each_other_are_not_packed) {
  models::ReleaseData data = test::sample_release();
  data.content.items.front() = 60;
  EXPECT_THAT(
      failure_of([&] { pack(data, test::sample_info(), store()); }),
      AllOf(HasSubstr("corrupt: "), HasSubstr("content.safetensors: array neighbors.items: an item number lies beyond the 60")));
  EXPECT_THAT(names_in_store(), IsEmpty());
}

/// Files beyond `bytes` cannot be written while it lives, as on a full disk.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : old_handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_limit_);
    const rlimit limit{bytes, old_limit_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &old_limit_);
    ::signal(SIGXFSZ, old_handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit old_limit_{};
  sighandler_t old_handler_;
};

TEST_F(BundleTest, a_full_disk_leaves_the_store_as_it_was) {
  const std::string id = pack_sample();
  std::uint64_t largest = 0;
  for (const BundleFile& file : Manifest::load(store() / id).files) largest = std::max(largest, file.bytes);
  // The disk ends at the first file, somewhere in between, and only in the largest.
  for (const std::uint64_t bytes : {std::uint64_t{100}, std::uint64_t{3000}, largest - 1}) {
    std::string failure;
    {
      const FullDisk full(bytes);
      failure = failure_of([&] { pack_sample(1); });
    }
    EXPECT_THAT(failure,
                AllOf(HasSubstr("unavailable: "), HasSubstr(".safetensors: cannot be written: File too large; free some space")));
    EXPECT_THAT(names_in_store(), ElementsAre(id));
    EXPECT_THAT(find_problems(store() / id), IsEmpty());
  }
}

TEST_F(BundleTest, another_format_version_is_named_with_what_can_be_read) {
  const std::string id = pack_sample();
  edit_manifest(store() / id, "\"format_version\": 5", "\"format_version\": 6");
  EXPECT_THAT(failure_of([&] { Bundle::open(store() / id); }),
              AllOf(HasSubstr("corrupt: "),
                    HasSubstr("manifest.json: bundle format 6 cannot be read, this program reads 3 to 5; publish again")));
}

TEST_F(BundleTest, the_version_before_is_read_and_ranks_nothing) {
  const std::string id = pack_sample();
  const json::Value packed = json::parse(read_file(store() / id / "manifest.json"), "manifest");
  json::Value document = json::Object{};
  for (const json::Member& member : *packed.as_object()) {
    if (member.key == "format_version") {
      document.set(member.key, json::Value(3));
    } else if (member.key != "rankers") {
      document.set(member.key, member.value);
    }
  }
  const std::string text = json::format(document, 2) + "\n";
  write(store() / id / "manifest.json", text);
  write(store() / id / "manifest.sha256", manifest_hash_line(text));
  const auto bundle = Bundle::open(store() / id);
  EXPECT_EQ(bundle->release().ranking, nullptr);
  EXPECT_EQ(bundle->release().catalog.n_items(), 60U);
}

features::OnlineSnapshot sample_snapshot() {
  features::OnlineSnapshot out;
  out.as_of = *parse_time("2026-11-24T09:00:00Z");
  features::UserTotals user;
  user.user = UserId(100);
  user.exposures = 1;
  user.views = 2;
  user.clicks = 3;
  user.carts = 4;
  user.orders = 5;
  user.api_orders = 6;
  user.refunds = 7;
  user.spend_sum = 8.5;
  user.spend_min = 1.5;
  user.first_order = out.as_of - std::chrono::hours(50);
  out.users = {user, {}};
  features::ItemTotals item;
  item.item = ItemId(10);
  item.views = 9;
  item.popularity = {0.1, 0.2, 0.3};
  item.popularity_at = item.last_event = out.as_of;
  out.items = {item};
  features::OnlineEvent event{7, features::EventKind::kOrder, UserId(100), ItemId(10), out.as_of - std::chrono::hours(1), 2.5};
  out.recent = {event, event};
  out.recent[1].user.reset();
  out.recent[1].value = std::numeric_limits<double>::quiet_NaN();
  return out;
}

std::string text_of(const features::OnlineSnapshot& snapshot) {
  std::string out = format_rfc3339(snapshot.as_of);
  const auto micros = [](TimePoint at) { return at.time_since_epoch().count(); };
  for (const features::UserTotals& t : snapshot.users) {
    out += fmt::format("\nuser {} {} {} {} {} {} {} {} {} {} {} {} {} {}", raw(t.user), t.exposures, t.views, t.clicks, t.carts,
                       t.orders, t.api_orders, t.refunds, t.spend_sum, t.spend_min, t.spend_max, micros(t.first_order),
                       micros(t.last_order), micros(t.last_event));
  }
  for (const features::ItemTotals& t : snapshot.items) {
    out += fmt::format("\nitem {} {} {} {} {} {} {} {} {} {} {} {} {} {}", raw(t.item), t.exposures, t.views, t.clicks, t.carts,
                       t.orders, t.refunds, t.popularity[0], t.popularity[1], t.popularity[2], micros(t.popularity_at),
                       micros(t.first_event), micros(t.last_event), micros(t.last_order));
  }
  for (const features::OnlineEvent& e : snapshot.recent)
    out += fmt::format("\nevent {} {} {} {} {} {}", e.id, static_cast<int>(e.kind), e.user ? raw(*e.user) : -1, raw(e.item),
                       micros(e.at), e.value);
  return out;
}

TEST_F(BundleTest, what_changes_with_events_begins_where_it_was_packed) {
  models::ReleaseData data = test::sample_release();
  data.online = sample_snapshot();
  const std::string id = pack(data, test::sample_info(), store());
  features::OnlineSnapshot expected = sample_snapshot();
  std::swap(expected.users[0], expected.users[1]);  // by ascending id
  EXPECT_EQ(text_of(Bundle::open(store() / id)->online_snapshot().value()), text_of(expected));
  EXPECT_FALSE(Bundle::open(store() / pack_sample(2))->online_snapshot());
  data.online->recent[0].at = data.online->as_of + std::chrono::seconds(1);
  EXPECT_THAT(failure_of([&] { pack(data, test::sample_info(), store()); }),
              HasSubstr("online.safetensors: event 0 is out of its order or time; roll back or publish again"));
  data.online = sample_snapshot();
  data.online->users[1].user = UserId(100);
  EXPECT_THAT(failure_of([&] { pack(data, test::sample_info(), store()); }),
              HasSubstr("array user_id: the ids do not rise at 1"));
}

TEST_F(BundleTest, one_of_the_two_files_of_the_vectors_alone_is_refused) {
  const std::string id = pack_sample();
  const json::Value packed = json::parse(read_file(store() / id / "manifest.json"), "manifest");
  json::Array files;
  for (const json::Value& file : *packed.find("files")->as_array()) {
    if (*file.find("name")->as_string() != "fold_in.safetensors") files.push_back(file);
  }
  json::Value document = json::Object{};
  for (const json::Member& member : *packed.as_object())
    document.set(member.key, member.key == "files" ? json::Value(files) : member.value);
  const std::string text = json::format(document, 2) + "\n";
  write(store() / id / "manifest.json", text);
  write(store() / id / "manifest.sha256", manifest_hash_line(text));
  fs::remove(store() / id / "fold_in.safetensors");
  EXPECT_THAT(failure_of([&] { Bundle::open(store() / id); }), HasSubstr("lacks fold_in.safetensors; publish again"));
}

TEST_F(BundleTest, an_unlisted_file_is_refused) {
  const std::string id = pack_sample();
  write(store() / id / "extra.txt", "");
  EXPECT_THAT(failure_of([&] { Bundle::open(store() / id); }), HasSubstr("extra.txt: is not listed in the manifest"));
  fs::remove(store() / id / "extra.txt");
  fs::create_directories(store() / id / "folder");
  EXPECT_THAT(failure_of([&] { Bundle::open(store() / id); }), HasSubstr("folder: is not listed in the manifest"));
}

TEST_F(BundleTest, a_missing_file_is_named) {
  const std::string id = pack_sample();
  fs::remove(store() / id / "content.safetensors");
  EXPECT_THAT(failure_of([&] { Bundle::open(store() / id); }),
              HasSubstr("content.safetensors: is missing; the manifest lists it"));
  fs::remove(store() / id / "manifest.sha256");
  EXPECT_THAT(failure_of([&] { Bundle::open(store() / id); }), HasSubstr("manifest.sha256: is missing"));
  fs::remove_all(store() / id);
  EXPECT_THAT(failure_of([&] { Bundle::open(store() / id); }),
              AllOf(HasSubstr("not_found: "), HasSubstr("there is no such bundle")));
}

TEST_F(BundleTest, a_folder_in_place_of_a_file_is_missing) {
  const std::string id = pack_sample();
  fs::remove(store() / id / "content.safetensors");
  fs::create_directories(store() / id / "content.safetensors");
  EXPECT_THAT(failure_of([&] { Bundle::open(store() / id); }), HasSubstr("content.safetensors: is missing"));
}

TEST_F(BundleTest, a_manifest_that_forgets_a_file_is_refused) {
  const std::string id = pack_sample();
  fs::remove(store() / id / "content.safetensors");
  edit_manifest(store() / id, "content.safetensors", "context.safetensors");
  EXPECT_THAT(failure_of([&] { Bundle::open(store() / id); }), HasSubstr("the manifest does not list content.safetensors"));
}

TEST_F(BundleTest, a_listed_path_outside_the_folder_is_refused) {
  const std::string id = pack_sample();
  edit_manifest(store() / id, "content.safetensors", "../etc/passwd");
  EXPECT_THAT(failure_of([&] { Bundle::open(store() / id); }), HasSubstr("\"../etc/passwd\" is no well-formed file entry"));
}

TEST_F(BundleTest, a_renamed_folder_is_refused) {
  const std::string id = pack_sample();
  const std::string other = "b-20261124T093000Z-00000000";
  fs::rename(store() / id, store() / other);
  EXPECT_THAT(failure_of([&] { Bundle::open(store() / other); }), HasSubstr("is the manifest of " + id));
}

TEST_F(BundleTest, a_huge_manifest_is_not_read) {
  const std::string id = pack_sample();
  fs::resize_file(store() / id / "manifest.json", 5'000'000);
  EXPECT_THAT(failure_of([&] { Bundle::open(store() / id); }), HasSubstr("5000000 bytes are too many"));
}

TEST_F(BundleTest, weights_that_no_fusion_can_use_are_refused) {
  const std::string id = pack_sample();
  for (const char* weight : {"-1", "1e7", "\"1\"", "null"}) {
    write(store() / "saved", read_file(store() / id / "manifest.json"));
    edit_manifest(store() / id, "\"content\": 0.5", fmt::format("\"content\": {}", weight));
    EXPECT_THAT(failure_of([&] { Bundle::open(store() / id); }),
                HasSubstr("channel_weights.content is missing or no number from 0 to"))
        << weight;
    write(store() / id / "manifest.json", read_file(store() / "saved"));
  }
}

TEST_F(BundleTest, all_problems_are_found_at_once) {
  const std::string id = pack_sample();
  EXPECT_THAT(find_problems(store() / id), IsEmpty());
  write(store() / id / "extra.txt", "x");
  fs::remove(store() / id / "content.safetensors");
  fs::resize_file(store() / id / "users.safetensors", 10);
  std::string popular = read_file(store() / id / "popular.safetensors");
  popular.back() ^= 1;
  write(store() / id / "popular.safetensors", popular);
  EXPECT_THAT(find_problems(store() / id),
              ElementsAre(HasSubstr("extra.txt: is not listed"), HasSubstr("content.safetensors: is missing"),
                          HasSubstr("popular.safetensors: its SHA-256 is not the manifest's"),
                          HasSubstr("users.safetensors: has 10 bytes, the manifest says")));
}

TEST(BundleId, has_one_form) {
  EXPECT_TRUE(is_bundle_id("b-20261124T093000Z-1a2b3c4d"));
  for (const char* text : {"", "b-", "b-20261124T093000Z-1a2b3c4", "b-20261124T093000Z-1A2B3C4D", "b-20261124T093000Z-1a2b3c4d/",
                           "b-2026112aT093000Z-1a2b3c4d", "../../../etc/passwd", "b-20261124T093000Z-../../..",
                           "c-20261124T093000Z-1a2b3c4d", "b-20261124T0930.0Z-1a2b3c4d"}) {
    EXPECT_FALSE(is_bundle_id(text)) << text;
  }
}

}  // namespace
}  // namespace lodestone::bundle
