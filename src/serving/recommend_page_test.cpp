// POST /recommend/page over a real server.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "base/rng.hpp"
#include "serving/list_limits.hpp"
#include "tests/support/sample_release.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

using test::problem_text;

class RecommendPageTest : public ::testing::Test {
 protected:
  void start(const models::ReleaseData& data) {
    id = site.pack(data);
    site.publish(id);
    site.start();
  }
  void SetUp() override { start(test::sample_release()); }

  test::HttpAnswer post(std::string_view body, std::string_view headers = "Content-Type: application/json\r\n") {
    return test::HttpConnection(site.server->port()).request("POST", "/recommend/page", headers, body);
  }
  json::Value page(std::string_view body) {
    const test::HttpAnswer answer = post(body);
    EXPECT_EQ(answer.status, 200) << body << ": " << answer.body;
    return json::parse(answer.body, "answer");
  }
  static std::vector<std::int64_t> ids(const json::Value& answer, std::string_view slot) {
    std::vector<std::int64_t> out;
    for (const json::Value& item : *answer.find("slots")->find(slot)->as_array())
      out.push_back(*item.find("dataset_id")->as_int());
    return out;
  }
  std::vector<json::Value> logged() {
    site.stop();
    std::vector<json::Value> out;
    for (const auto& entry : fs::directory_iterator(site.options.exposures->folder)) {
      std::istringstream lines(read_file(entry.path()));
      for (std::string line; std::getline(lines, line);) out.push_back(json::parse(line, "line"));
    }
    return out;
  }

  test::ServingSite site;
  std::string id;
};

TEST_F(RecommendPageTest, each_slot_has_its_list_and_no_item_stands_twice) {
  const test::HttpAnswer answer =
      post(R"({"user_id":100,"slots":[{"name":"like this","kind":"similar","dataset_id":10,"limit":6},)"
           R"({"name":"for you","kind":"user"},{"name":"hot","kind":"trending","limit":15,"filter":"price<=50"}]})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("cache-control"), "private, no-store");
  const json::Value body = json::parse(answer.body, "answer");
  ASSERT_EQ(body.as_object()->size(), 2U);
  EXPECT_EQ(*body.find("request_id")->as_string(), answer.header("x-request-id"));
  ASSERT_EQ(body.find("slots")->as_object()->size(), 3U);
  EXPECT_EQ((*body.find("slots")->as_object())[0].key, "like this");
  EXPECT_EQ(ids(body, "like this").size(), 6U);
  EXPECT_EQ(ids(body, "for you").size(), 10U) << "the default";
  EXPECT_EQ(ids(body, "hot").size(), 15U);
  std::set<std::int64_t> all;
  for (const char* slot : {"like this", "for you", "hot"}) {
    double last = 2;
    for (const json::Value& item : *body.find("slots")->find(slot)->as_array()) {
      EXPECT_TRUE(all.insert(*item.find("dataset_id")->as_int()).second) << slot;
      EXPECT_LE(*item.find("score")->as_number(), last);
      last = *item.find("score")->as_number();
      EXPECT_NE(item.find("reason"), nullptr);
    }
  }
}

TEST_F(RecommendPageTest, a_slot_alone_is_the_list_of_its_endpoint) {
  const auto alone = [&](std::string_view slot, std::string_view who = "") {
    return ids(page(fmt::format(R"({{{}"slots":[{{"name":"s",{}}}]}})", who, slot)), "s");
  };
  const auto list = [&](std::string_view target, std::string_view name) {
    std::vector<std::int64_t> out;
    const json::Value answer = site.get_json(target);
    for (const json::Value& item : *answer.find(name)->as_array()) out.push_back(*item.find("dataset_id")->as_int());
    return out;
  };
  EXPECT_EQ(alone(R"("kind":"similar","dataset_id":10)"), list("/similar/10", "similar_items"));
  EXPECT_EQ(alone(R"("kind":"similar","dataset_id":10)", R"("user_id":100,)"),
            list("/recommend/detail/10?user_id=100", "recommendations"));
  EXPECT_EQ(alone(R"("kind":"user")", R"("user_id":100,)"), list("/recommend/user/100", "recommendations"));
  EXPECT_EQ(alone(R"("kind":"user")"), list("/recommend/user/999999", "recommendations")) << "a guest";
  EXPECT_EQ(alone(R"("kind":"trending")"), list("/hot/trending", "items"));
}

TEST_F(RecommendPageTest, earlier_slots_win) {
  const json::Value first =
      page(R"({"slots":[{"name":"a","kind":"similar","dataset_id":10,"limit":5},{"name":"b","kind":"trending"}]})");
  const json::Value alone = page(R"({"slots":[{"name":"a","kind":"similar","dataset_id":10,"limit":5}]})");
  EXPECT_EQ(ids(first, "a"), ids(alone, "a"));
}

/// How many items may still stand in a slot.
std::size_t count_eligible(const models::Release& release, std::optional<UserId> user, std::optional<ItemId> item,
                           const std::set<std::int64_t>& shown, const std::string& filter) {
  engine::BoundFilter bound;
  std::optional<engine::Filter> parsed;
  if (!filter.empty()) bound.bind(parsed.emplace(engine::Filter::parse(filter)), release.catalog);
  std::set<ItemIndex> owned;
  if (const auto known = user ? release.users.find(*user) : std::nullopt) {
    for (const ItemIndex one : release.users.owned(*known)) owned.insert(one);
  }
  std::size_t n = 0;
  for (ItemIndex i = 0; i < static_cast<ItemIndex>(release.catalog.n_items()); ++i) {
    const ItemId id = release.catalog.id(i);
    const bool eligible = release.catalog.is_available(i) && !owned.contains(i) && !shown.contains(raw(id)) && id != item &&
                          (filter.empty() || bound.matches(i));
    n += eligible ? 1U : 0U;
  }
  return n;
}

TEST_F(RecommendPageTest, random_pages_repeat_nothing_and_are_as_full_as_they_can_be) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    test::SampleOptions options;
    options.seed = seed;
    options.n_items = 40 + 40 * seed;
    const models::ReleaseData data = test::sample_release(options);
    const test::SampleBundle bundle(data);
    const models::Release& release = bundle.release();
    site.stop();
    start(data);
    Rng rng(seed);
    for (int round = 0; round < 40; ++round) {
      std::optional<UserId> user;
      if (rng.below(3) > 0) user = UserId(static_cast<std::int64_t>(100 + 2 * rng.below(25)));  // some are unknown
      struct Slot {
        std::optional<ItemId> item;
        std::size_t limit;
        std::string filter;
      };
      std::vector<Slot> slots;
      std::string text;
      const std::size_t n_slots = 1 + rng.below(10);
      for (std::size_t s = 0; s < n_slots; ++s) {
        Slot& slot = slots.emplace_back();
        const std::uint64_t kind = rng.below(3);
        if (kind == 0) slot.item = release.catalog.id(static_cast<ItemIndex>(rng.below(options.n_items)));
        slot.limit = 1 + rng.below(kMaxLimit);
        if (rng.below(4) == 0) slot.filter = "price<=" + std::to_string(rng.below(60));
        text += fmt::format(R"({}{{"name":"s{}","kind":"{}","limit":{})", s == 0 ? "" : ",", s,
                            kind == 0 ? "similar" : (kind == 1 ? "user" : "trending"), slot.limit);
        if (slot.item) text += fmt::format(R"(,"dataset_id":{})", raw(*slot.item));
        if (!slot.filter.empty()) text += fmt::format(R"(,"filter":"{}")", slot.filter);
        text += '}';
      }
      const std::string order =
          fmt::format(R"({{{}"slots":[{}]}})", user ? fmt::format(R"("user_id":{},)", raw(*user)) : "", text);
      const json::Value answer = page(order);
      std::set<std::int64_t> shown;
      for (std::size_t s = 0; s < n_slots; ++s) {
        const std::vector<std::int64_t> list = ids(answer, fmt::format("s{}", s));
        ASSERT_EQ(list.size(), std::min(slots[s].limit, count_eligible(release, user, slots[s].item, shown, slots[s].filter)))
            << "slot " << s << " of " << order;
        for (const std::int64_t item : list) ASSERT_TRUE(shown.insert(item).second) << item << " twice: " << order;
      }
    }
  }
}

TEST_F(RecommendPageTest, a_whole_number_may_be_written_with_a_point) {
  const json::Value answer = page(
      R"({"user_id":100.0,"slots":[{"name":"a","kind":"similar","dataset_id":1e1,"limit":2.0},{"name":"b","kind":"user"}]})");
  EXPECT_EQ(ids(answer, "a").size(), 2U);
  EXPECT_EQ(ids(answer, "a"),
            ids(page(R"({"user_id":100,"slots":[{"name":"a","kind":"similar","dataset_id":10,"limit":2}]})"), "a"));
  EXPECT_EQ(problem_text(post(R"({"slots":[{"name":"a","kind":"user","limit":2.5}]})")),
            "422: Unprocessable Content: slots[0].limit is 2.5, expected an integer from 1 to 50 (slots[0].limit)");
  EXPECT_EQ(post(R"({"slots":[{"name":"a","kind":"similar","dataset_id":1e19}]})").status, 422);
}

TEST_F(RecommendPageTest, what_is_wrong_is_422_and_named) {
  const auto problem = [&](std::string_view body) { return problem_text(post(body)); };
  const auto slot = [&](std::string_view members) {
    return problem(fmt::format(R"({{"slots":[{{"name":"a","kind":"user"}},{{"name":"b",{}}}]}})", members));
  };
  const std::string head = "422: Unprocessable Content: ";
  EXPECT_EQ(slot(R"("kind":"user","limit":51)"),
            head + "slots[1].limit is 51, expected an integer from 1 to 50 (slots[1].limit)");
  EXPECT_EQ(slot(R"("kind":"trending","limit":101)"),
            head + "slots[1].limit is 101, expected an integer from 1 to 100 (slots[1].limit)");
  EXPECT_EQ(slot(R"("kind":"user","limit":"5")"),
            head + "slots[1].limit is \"5\", expected an integer from 1 to 50 (slots[1].limit)");
  EXPECT_EQ(slot(R"("kind":"popular")"),
            head + "slots[1].kind is \"popular\", expected \"similar\", \"user\" or \"trending\" (slots[1].kind)");
  EXPECT_EQ(slot(R"("limit":5)"),
            head + "slots[1].kind is missing, expected \"similar\", \"user\" or \"trending\" (slots[1].kind)");
  EXPECT_EQ(slot(R"("kind":"similar")"),
            head + "slots[1].dataset_id is missing, expected the data set that the list belongs to (slots[1].dataset_id)");
  EXPECT_EQ(slot(R"("kind":"similar","dataset_id":"x")"),
            head + "slots[1].dataset_id is \"x\", expected a 64-bit integer id (slots[1].dataset_id)");
  EXPECT_EQ(
      slot(R"("kind":"user","dataset_id":10)"),
      head +
          "slots[1].dataset_id is 10, expected none, as only a slot of kind similar belongs to a data set (slots[1].dataset_id)");
  EXPECT_EQ(slot(R"("kind":"user","limti":5)"),
            head + "unknown member \"slots[1].limti\"; did you mean \"limit\"? (slots[1].limti)");
  EXPECT_THAT(slot(R"("kind":"user","filter":"price <= and")"),
              testing::MatchesRegex("422: .*position 10.* \\(slots\\[1\\].filter\\)"));
  EXPECT_EQ(slot(R"("kind":"user","filter":1)"), head + "slots[1].filter is 1, expected a text (slots[1].filter)");
  EXPECT_EQ(problem(R"({"slots":[{"name":"a","kind":"user"},{"name":"a","kind":"user"}]})"),
            head + "slots[1].name is \"a\", which slots[0] is called already (slots[1].name)");
  EXPECT_EQ(problem(R"({"slots":[{"name":"","kind":"user"}]})"),
            head + "slots[0].name is \"\", expected a text of 1 to 64 bytes (slots[0].name)");
  EXPECT_EQ(problem(R"({"slots":[]})"), head + "slots holds 0, expected an array of 1 to 10 slots (slots)");
  EXPECT_EQ(problem("{}"), head + "slots is missing, expected an array of 1 to 10 slots (slots)");
  EXPECT_EQ(problem(R"({"slots":[7]})"),
            head + "slots[0] is 7, expected an object with name, kind, dataset_id, limit, filter (slots[0])");
  EXPECT_EQ(problem(R"({"user_id":"7","slots":[{"name":"a","kind":"user"}]})"),
            head + "user_id is \"7\", expected a 64-bit integer id (user_id)");
  EXPECT_EQ(problem("[]"), head + "body is [], expected an object with user_id, visitor_id, slots (body)");
  std::string many = R"({"slots":[)";
  for (int i = 0; i < 11; ++i) many += fmt::format(R"({}{{"name":"s{}","kind":"user"}})", i == 0 ? "" : ",", i);
  EXPECT_EQ(problem(many + "]}"), head + "slots holds 11, expected an array of 1 to 10 slots (slots)");
}

TEST_F(RecommendPageTest, bodies_that_are_no_json_and_unknown_data_sets) {
  EXPECT_EQ(post("{").status, 400);
  EXPECT_EQ(post("").status, 400);
  EXPECT_EQ(post(R"({"slots":[{"name":"a","kind":"user"}]})", "Content-Type: text/plain\r\n").status, 415);
  EXPECT_EQ(post("", "Content-Type: text/plain\r\n").status, 415);
  EXPECT_EQ(post("", "").status, 400);
  EXPECT_EQ(problem_text(post(R"({"slots":[{"name":"u","kind":"user"},{"name":"a","kind":"similar","dataset_id":999}]})")),
            "404: Not Found: slot \"a\": data set 999 is not in bundle " + id);
  EXPECT_EQ(site.get("/recommend/page").status, 405);
  EXPECT_TRUE(!fs::exists(site.options.exposures->folder) || logged().empty()) << "a page that is refused has shown nothing";
}

TEST_F(RecommendPageTest, a_page_has_no_tag_and_is_never_unchanged) {
  const std::string body = R"({"slots":[{"name":"a","kind":"user"},{"name":"b","kind":"similar","dataset_id":10}]})";
  const std::string tag = site.get("/similar/10").header("etag");
  for (const std::string& known : {std::string("*"), tag}) {
    const auto answer = post(body, "Content-Type: application/json\r\nIf-None-Match: " + known + "\r\n");
    EXPECT_EQ(answer.status, 200) << known;
    EXPECT_EQ(answer.header("etag"), "");
  }
}

TEST_F(RecommendPageTest, each_slot_is_an_exposure_under_the_pages_request) {
  const json::Value answer = page(
      R"({"user_id":100,"visitor_id":"v1","slots":[{"name":"a","kind":"similar","dataset_id":10,"limit":3},{"name":"b","kind":"trending","limit":2}]})");
  const std::vector<json::Value> lines = logged();
  ASSERT_EQ(lines.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(*lines[i].find("request_id")->as_string(), *answer.find("request_id")->as_string());
    EXPECT_EQ(*lines[i].find("user_id")->as_int(), 100);
    EXPECT_EQ(*lines[i].find("visitor_id")->as_string(), "v1");
    EXPECT_EQ(*lines[i].find("context")->find("endpoint")->as_string(), "recommend_page");
    EXPECT_EQ(*lines[i].find("context")->find("slot")->as_string(), i == 0 ? "a" : "b");
    std::vector<std::int64_t> items;
    for (const json::Value& item : *lines[i].find("items")->as_array()) items.push_back(*item.find("dataset_id")->as_int());
    EXPECT_EQ(items, ids(answer, i == 0 ? "a" : "b"));
  }
  EXPECT_EQ(*lines[0].find("page_id")->as_int(), 10);
  EXPECT_TRUE(lines[1].find("page_id")->is_null());
}

}  // namespace
}  // namespace lodestone::serving
