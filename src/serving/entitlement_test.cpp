// What a key is not for is nowhere: a property over random requests and filters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/rng.hpp"
#include "bundle/store.hpp"
#include "engine/filter.hpp"
#include "serving/api_keys.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

using test::percent_encode;
using ::testing::HasSubstr;

constexpr const char* kEntitlements[] = {
    "price<=10",  "item_id>=40", "item_id in (10,12,14,16,18,20,22,24,26,28)", "not (item_id in (10,11,12)) and price>2",
    "item_id=15", "item_id<0",
};

class EntitlementTest : public ::testing::Test {
 protected:
  void SetUp() override {
    id = site.pack_sample(1);
    site.publish(id);
    site.options.access.keys_file = site.folder.path() / "keys.yaml";
    std::string keys = "keys:\n";
    for (std::size_t k = 0; k < std::size(kEntitlements); ++k) {
      keys += fmt::format("  - {{name: k{}, sha256: \"{}\", scopes: [recommend, search, events, explain], filter: '{}'}}\n", k,
                          sha256_hex(key(k)), kEntitlements[k]);
    }
    keys += fmt::format("  - {{name: all, sha256: \"{}\", scopes: [recommend, search, explain]}}\n", sha256_hex("lk_all"));
    write_file_atomic(site.options.access.keys_file, keys);
    site.options.rules_file = site.folder.path() / "rules.yaml";
    write_file_atomic(site.options.rules_file,
                      "rules:\n  top:\n    pages: [similar, detail, user, trending, search]\n"
                      "    pin: [{dataset_id: 11, position: 1}, {dataset_id: 15, position: 2}, {dataset_id: 41, position: 3}]\n"
                      "    boost: [{filter: 'price>10', factor: 5}]\n");
    site.options.demo = DemoPage{};
    site.start();
    const auto bundle = bundle::BundleStore(site.options.bundle_folder).open(id, 1);
    const models::Catalog& catalog = bundle->release().catalog;
    for (ItemIndex item = 0; item < static_cast<ItemIndex>(catalog.n_items()); ++item) items.push_back(raw(catalog.id(item)));
    for (std::size_t k = 0; k < std::size(kEntitlements); ++k) {
      const engine::Filter filter = engine::Filter::parse(kEntitlements[k]);
      engine::BoundFilter bound;
      bound.bind(filter, catalog);
      for (ItemIndex item = 0; item < static_cast<ItemIndex>(catalog.n_items()); ++item) {
        if (bound.matches(item)) allowed[k].insert(raw(catalog.id(item)));
      }
    }
  }
  static std::string key(std::size_t k) { return fmt::format("lk_{}", k); }
  static std::string header(std::size_t k) { return fmt::format("X-API-Key: {}\r\nContent-Type: application/json\r\n", key(k)); }
  /// Every data set that an answer names in a list.
  static void collect(const json::Value& value, std::set<std::int64_t>& out) {
    if (const json::Array* list = value.as_array()) {
      for (const json::Value& item : *list) {
        if (const json::Value* dataset = item.find("dataset_id")) out.insert(*dataset->as_int());
        collect(item, out);
      }
    }
    if (const json::Object* object = value.as_object()) {
      for (const json::Member& member : *object) collect(member.value, out);
    }
  }
  void expect_allowed(std::size_t k, const test::HttpAnswer& answer, const std::string& what) {
    ASSERT_EQ(answer.status, 200) << what << ": " << answer.body;
    std::set<std::int64_t> shown;
    collect(json::parse(answer.body, "answer"), shown);
    for (const std::int64_t item : shown)
      EXPECT_TRUE(allowed[k].contains(item)) << kEntitlements[k] << " " << what << " " << item;
    n_shown += shown.size();
  }

  test::ServingSite site;
  std::string id;
  std::vector<std::int64_t> items;
  std::map<std::size_t, std::set<std::int64_t>> allowed;
  std::size_t n_shown = 0;
};

TEST_F(EntitlementTest, no_list_shows_what_the_key_is_not_for) {
  Rng rng(7);
  const char* filters[] = {"", "price<=20", "not price<=5", "item_id>=10 or price>0", "item_id=11"};
  for (int round = 0; round < 400; ++round) {
    const std::size_t k = rng.below(std::size(kEntitlements));
    const std::int64_t item = items[rng.below(items.size())];
    const std::string user = std::to_string(100 + rng.below(60));
    std::string more = fmt::format("limit={}&explain={}", 1 + rng.below(50), rng.chance(0.3) ? "true" : "false");
    const std::string filter = filters[rng.below(std::size(filters))];
    if (!filter.empty()) more += "&filter=" + percent_encode(filter);
    const bool may_see = allowed[k].contains(item);
    const auto about = [&](const std::string& target) {
      const auto answer = site.get(target, header(k));
      if (may_see) return expect_allowed(k, answer, target);
      EXPECT_EQ(test::problem_text(answer), fmt::format("404: Not Found: data set {} is not in bundle {}", item, id)) << target;
    };
    switch (rng.below(6)) {
      case 0: about(fmt::format("/similar/{}?{}", item, more)); break;
      case 1: about(fmt::format("/recommend/detail/{}?{}&user_id={}", item, more, user)); break;
      case 2: expect_allowed(k, site.get(fmt::format("/recommend/user/{}?{}", user, more), header(k)), "user " + more); break;
      case 3:
        expect_allowed(k, site.get(fmt::format("/search?q={}&limit=50", rng.chance(0.5) ? "seed" : "data"), header(k)), "search");
        break;
      case 4: expect_allowed(k, site.get("/hot/trending?limit=100", header(k)), "trending"); break;
      default: {
        const std::string slot = may_see ? fmt::format(R"({{"name":"s","kind":"similar","dataset_id":{}}},)", item) : "";
        const std::string body = fmt::format(
            R"({{"user_id":{},"slots":[{}{{"name":"u","kind":"user","limit":30,"filter":"price>0"}},{{"name":"t","kind":"trending"}}]}})",
            user, slot);
        expect_allowed(k, site.post("/recommend/page", body, header(k)), body);
      }
    }
  }
  EXPECT_GT(n_shown, 500U);
}

TEST_F(EntitlementTest, a_list_with_nothing_left_is_empty_and_no_fault) {
  const auto answer = site.get("/hot/trending", header(5));
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("\"items\":[]"));
}

TEST_F(EntitlementTest, a_slot_about_what_the_key_is_not_for_is_as_unknown_as_any) {
  const auto body = [](std::int64_t item) {
    return fmt::format(R"({{"slots":[{{"name":"s","kind":"similar","dataset_id":{}}}]}})", item);
  };
  EXPECT_EQ(test::problem_text(site.post("/recommend/page", body(10), header(1))),
            fmt::format("404: Not Found: slot \"s\": data set 10 is not in bundle {}", id));
  EXPECT_EQ(test::problem_text(site.post("/recommend/page", body(99'999), header(1))),
            fmt::format("404: Not Found: slot \"s\": data set 99999 is not in bundle {}", id));
}

TEST_F(EntitlementTest, two_keys_have_lists_and_tags_of_their_own) {
  const auto some = site.get("/search", header(0));
  const auto all = site.get("/search", "X-API-Key: lk_all\r\n");
  EXPECT_EQ(some.header("vary"), "X-API-Key");
  EXPECT_NE(some.header("etag"), all.header("etag"));
  EXPECT_EQ(site.get("/search", header(0) + "If-None-Match: " + all.header("etag") + "\r\n").status, 200);
  EXPECT_EQ(site.get("/search", header(0) + "If-None-Match: " + some.header("etag") + "\r\n").status, 304);
}

TEST_F(EntitlementTest, the_demonstration_is_for_those_who_may_see_all) {
  EXPECT_EQ(site.get("/demo").status, 401);
  EXPECT_EQ(site.get("/demo", header(0)).status, 403);
  EXPECT_EQ(site.get("/demo", "X-API-Key: lk_all\r\n").status, 200);
}

}  // namespace
}  // namespace lodestone::serving
