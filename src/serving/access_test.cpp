// Keys, rates and sites: the gate of the public port.
#include "serving/access.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/error.hpp"
#include "http/router.hpp"
#include "tests/support/metrics_lint.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

using test::problem_text;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kShop = "lk_shop";
constexpr std::string_view kSearch = "lk_search";

std::string entry(std::string_view name, std::string_view key, std::string_view more) {
  return fmt::format("  - {{name: {}, sha256: \"{}\", {}}}\n", name, sha256_hex(key), more);
}

std::string failure_of(std::string_view text) {
  try {
    static_cast<void>(KeyBook::parse(text, "keys.yaml"));
  } catch (const Error& error) {
    return std::string(error.message());
  }
  return "none";
}

TEST(ApiKeys, are_found_by_their_text_alone) {
  const KeyBook book = KeyBook::parse("keys:\n" + entry("shop", kShop, "scopes: [recommend, events], rate: 5") +
                                          entry("search", kSearch, "scopes: search, filter: 'price<=10', not_after: 2027-01-01"),
                                      "keys.yaml");
  ASSERT_TRUE(book.is_closed());
  const ApiKey* shop = book.find(kShop);
  ASSERT_NE(shop, nullptr);
  EXPECT_EQ(shop->name, "shop");
  EXPECT_EQ(scope_names(shop->scopes), (std::vector<std::string>{"recommend", "events"}));
  EXPECT_EQ(shop->burst, 5);
  EXPECT_TRUE(book.find(kSearch)->filter.has_value());
  EXPECT_EQ(format_rfc3339(*book.find(kSearch)->not_after), "2027-01-01T00:00:00Z");
  EXPECT_EQ(book.find("lk_shoq"), nullptr);
  EXPECT_EQ(book.find(sha256_hex(kShop)), nullptr);
  EXPECT_EQ(book.find(""), nullptr);
}

TEST(ApiKeys, come_back_from_the_text_they_are_written_as) {
  const std::string text =
      "keys:\n" + entry("shop", kShop, "scopes: [recommend], rate: 2.5, burst: 9") +
      entry("some", kSearch, R"(scopes: [search, explain], filter: 'company="a \\ b"', not_after: 2027-01-01)");
  const std::string once = KeyBook::format(KeyBook::parse(text, "a").all());
  EXPECT_EQ(KeyBook::format(KeyBook::parse(once, "b").all()), once);
  EXPECT_THAT(once, AllOf(HasSubstr("rate: 2.5\n    burst: 9\n"), HasSubstr(R"(filter: "company=\"a \\\\ b\"")"),
                          HasSubstr("scopes: [search, explain]")));
  EXPECT_EQ(KeyBook::format({}), "keys: []\n");
  EXPECT_FALSE(KeyBook::parse("keys: []", "c").is_closed());
}

TEST(ApiKeys, say_all_that_is_wrong_and_never_what_may_be_a_key) {
  const std::string all = failure_of(
      "keys:\n  - {name: a b, sha256: lk_secret, scopes: [recomend], rate: 0, burst: 3, filter: 'prise<1',"
      " not_after: soon, key: lk_secret}\n" +
      entry("x", kShop, "scopes: []") + entry("x", kShop, "scopes: [search], filter: ''"));
  EXPECT_THAT(all, AllOf(HasSubstr("a name has 1 to 64 letters"), HasSubstr("as 64 hexadecimal digits, never a key"),
                         HasSubstr("did you mean \"recommend\"?"), HasSubstr("0 is outside 0.001"), HasSubstr("prise"),
                         HasSubstr("\"soon\" is no time"), HasSubstr("two keys \"x\""), HasSubstr("the same key as \"x\""),
                         HasSubstr("a key needs one scope at least"), Not(HasSubstr("lk_secret"))));
  EXPECT_THAT(failure_of("keys: {a: 1}"), HasSubstr("keys are a list"));
  EXPECT_THAT(failure_of("keys: [1]"), HasSubstr("a key is a map"));
  EXPECT_THAT(failure_of("key: []"), HasSubstr("keys"));
}

TEST(ApiKeys, a_file_that_was_cut_off_before_its_list_is_none) {
  for (const char* text : {"# keys of the shop\n", "keys:\n", "keys: ~\n", "---\n", "~\n"})
    EXPECT_THROW(static_cast<void>(KeyBook::parse(text, "keys.yaml")), Error) << text;
  EXPECT_FALSE(KeyBook::parse("", "keys.yaml").is_closed()) << "there is no file";
}

TEST(ApiKeys, new_ones_have_256_bits_and_differ) {
  EXPECT_THAT(make_api_key(), ::testing::MatchesRegex("lk_[0-9a-f]{64}"));
  EXPECT_NE(make_api_key(), make_api_key());
}

TEST(RateLimitTest, lets_a_burst_through_and_then_the_rate) {
  RateLimit limit(2, 3);
  const std::int64_t second = 1'000'000'000;
  for (int n = 0; n < 3; ++n) EXPECT_EQ(limit.take(100 * second), 0);
  EXPECT_EQ(limit.take(100 * second), second / 2);
  EXPECT_EQ(limit.take(100 * second + second / 2 - 1), 1);
  EXPECT_EQ(limit.take(100 * second + second / 2), 0);
  EXPECT_GT(limit.take(100 * second + second / 2), 0);
  for (int n = 0; n < 3; ++n) EXPECT_EQ(limit.take(200 * second), 0);  // a long pause is worth one burst
  EXPECT_GT(limit.take(200 * second), 0);
}

TEST(RateLimitTest, many_threads_get_no_more_than_one) {
  RateLimit limit(1, 1000);
  std::atomic<int> n_taken{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) n_taken += limit.take(5'000'000'000) == 0 ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(n_taken.load(), 1000);
}

class AccessOverHttp : public ::testing::Test {
 protected:
  void start(const std::string& keys) {
    site.publish(site.pack_sample(1));
    site.options.access.keys_file = site.folder.path() / "keys.yaml";
    if (!keys.empty()) write(keys);
    site.start();
  }
  void write(const std::string& text) const { write_file_atomic(site.options.access.keys_file, text); }
  static std::string header(std::string_view key) { return fmt::format("X-API-Key: {}\r\n", key); }
  test::HttpAnswer get(std::string_view target, std::string_view key) const { return site.get(target, header(key)); }
  void wait_for_check(std::string_view text) const {
    while (site.get("/health").body.find(text) == std::string::npos) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  test::ServingSite site;
};

TEST_F(AccessOverHttp, without_a_key_that_is_good_nobody_comes_in) {
  start("keys:\n" + entry("shop", kShop, "scopes: [recommend, search, events]") +
        entry("old", "lk_old", "scopes: [search], not_after: 2026-11-24T09:30:00Z"));
  for (const char* target : {"/similar/10", "/recommend/detail/10", "/recommend/user/1", "/hot/trending", "/search"}) {
    const auto answer = site.get(target);
    EXPECT_EQ(problem_text(answer), "401: Unauthorized: this server wants the header X-API-Key") << target;
    EXPECT_EQ(answer.header("vary"), "X-API-Key");
    EXPECT_EQ(problem_text(get(target, "lk_wrong")), "401: Unauthorized: this key is not known here, or has expired") << target;
    EXPECT_EQ(get(target, kShop).status, 200) << target;
  }
  EXPECT_EQ(site.post("/events", "[]").status, 401);
  EXPECT_EQ(site.post("/recommend/page", "{").status, 401);
  EXPECT_EQ(site.post("/events", "[]", header(kShop) + "Content-Type: application/json\r\n").status, 202);
  EXPECT_EQ(get("/search", "lk_old").status, 401);
  for (const char* target : {"/health", "/livez", "/readyz", "/openapi.json", "/docs", "/docs.css", "/snippet.js"})
    EXPECT_EQ(site.get(target).status, 200) << target;
  EXPECT_EQ(site.get("/nowhere").status, 404);
  const auto twice = site.get("/search", header(kShop) + header("lk_wrong"));
  EXPECT_EQ(problem_text(twice), "400: Bad Request: the request has more than one X-API-Key");
}

TEST_F(AccessOverHttp, a_key_is_good_for_its_scopes) {
  start("keys:\n" + entry("search", kSearch, "scopes: [search]") + entry("why", "lk_why", "scopes: [recommend, explain]"));
  EXPECT_EQ(get("/search", kSearch).status, 200);
  EXPECT_EQ(problem_text(get("/similar/10", kSearch)),
            "403: Forbidden: the key search is not good for /similar/10, which is the scope \"recommend\"");
  EXPECT_THAT(problem_text(site.post("/events", "[]", header(kSearch))), HasSubstr("the scope \"events\""));
  EXPECT_EQ(problem_text(get("/search?explain=true", kSearch)),
            "403: Forbidden: the key search is not good for explain=true, which is the scope \"explain\" (explain)");
  EXPECT_EQ(get("/similar/10?explain=true", "lk_why").status, 200);
  const auto series = test::parse_metrics(site.admin("GET", "/metrics").body);
  EXPECT_EQ(series.at("api_key_requests_total{key=\"search\",outcome=\"admitted\"}"), 1);
  EXPECT_EQ(series.at("api_key_requests_total{key=\"search\",outcome=\"forbidden\"}"), 3);
  EXPECT_EQ(series.at("api_key_refusals_total"), 0);
}

TEST_F(AccessOverHttp, over_its_rate_a_key_has_to_wait) {
  start("keys:\n" + entry("slow", kShop, "scopes: [search], rate: 0.001, burst: 2"));
  EXPECT_EQ(get("/search", kShop).status, 200);
  EXPECT_EQ(get("/search", kShop).status, 200);
  const auto third = get("/search", kShop);
  EXPECT_EQ(problem_text(third),
            "429: Too Many Requests: the key slow is good for 0.001 requests a second, 2 at once; wait as Retry-After says");
  EXPECT_GE(std::stoi(third.header("retry-after")), 900);
  // Reading the file again is no new burst.
  write("keys:\n" + entry("slow", kShop, "scopes: [search], rate: 0.001, burst: 2") + entry("b", kSearch, "scopes: [search]"));
  while (get("/search", kSearch).status != 200) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(get("/search", kShop).status, 429);
  EXPECT_EQ(
      test::parse_metrics(site.admin("GET", "/metrics").body).at("api_key_requests_total{key=\"slow\",outcome=\"limited\"}"), 2);
}

TEST_F(AccessOverHttp, the_file_is_watched_and_only_an_empty_list_opens_the_door) {
  start("");
  EXPECT_EQ(site.get("/search").status, 200);
  write("keys:\n" + entry("shop", kShop, "scopes: [search]"));
  while (site.get("/search").status != 401) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(get("/search", kShop).status, 200);
  write("keys: [{}]");
  wait_for_check(R"("keys":{"status":"refused")");
  EXPECT_EQ(site.get("/search").status, 401);
  write("");
  wait_for_check(R"("keys":{"status":"refused")");
  fs::remove(site.options.access.keys_file);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(site.get("/search").status, 401);
  EXPECT_EQ(get("/search", kShop).status, 200);
  write("keys: []\n");
  wait_for_check(R"("keys":{"status":"ok")");
  EXPECT_EQ(site.get("/search").status, 200);
}

TEST_F(AccessOverHttp, a_server_does_not_start_with_keys_that_cannot_be_read) {
  for (const char* text : {"keys: [{name: x}]", " \n"}) {
    EXPECT_THROW(start(text), Error) << text;
    site.stop();
  }
}

TEST_F(AccessOverHttp, the_name_of_the_key_is_the_client_in_the_exposure_log) {
  start("keys:\n" + entry("shop.7", kShop, "scopes: [search]"));
  EXPECT_EQ(get("/search", kShop).status, 200);
  EXPECT_EQ(site.get("/search", header(kShop) + "X-Client-App: app/1\r\n").status, 200);
  site.stop();
  std::string log;
  for (const auto& file : fs::directory_iterator(site.options.exposures->folder)) log += read_file(file.path());
  EXPECT_THAT(log, AllOf(HasSubstr(R"("client_app":"shop.7")"), HasSubstr(R"("client_app":"app/1")"), Not(HasSubstr("lk_"))));
}

TEST(AccessTest, a_request_that_waited_has_the_key_it_came_with_and_no_other) {
  TemporaryFolder folder;
  metrics::Registry registry;
  ServingMetrics counted(registry);
  FixedClock clock(*parse_time("2026-11-24T09:30:00Z"));
  const fs::path file = folder.path() / "keys.yaml";
  write_file_atomic(file, "keys:\n" + entry("shop", kShop, "scopes: [search]") +
                              entry("some", kSearch, "scopes: [search], filter: 'price<=10', not_after: 2026-11-24T10:00:00Z"));
  Access access({.keys_file = file, .cors_origins = {}}, counted, registry, clock, 1);
  http::Request first;
  first.api_key = kSearch;
  http::Request second;
  second.api_key = kShop;
  std::string buffer;
  http::Response response(buffer);
  EXPECT_TRUE(access.admit(first, response, "/search", "GET, HEAD"));
  EXPECT_TRUE(access.admit(second, response, "/search", "GET, HEAD"));  // while the first one waits
  EXPECT_EQ(access.key_of(first)->name, "some");
  clock.advance(std::chrono::hours(1));  // its key expires meanwhile
  ASSERT_NE(access.key_of(first), nullptr);
  EXPECT_TRUE(access.key_of(first)->filter.has_value());
  EXPECT_EQ(access.key_of(first)->name, "nobody");
  EXPECT_EQ(access.key_of(second)->name, "shop");
}

TEST_F(AccessOverHttp, every_path_is_open_or_needs_a_scope) {
  EXPECT_TRUE(Access::is_open("/health"));
  EXPECT_FALSE(Access::is_open("/similar/{dataset_id}"));
  EXPECT_FALSE(Access::is_open("/demo"));
  EXPECT_FALSE(Access::is_open("/what/comes/next"));
  EXPECT_EQ(Access::scope_of("/search"), Scope::kSearch);
  EXPECT_EQ(Access::scope_of("/events"), Scope::kEvents);
  EXPECT_EQ(Access::scope_of("/what/comes/next"), Scope::kRecommend);
}

class CrossOriginOverHttp : public AccessOverHttp {
 protected:
  void start_for(std::vector<std::string> origins) {
    site.options.access.cors_origins = std::move(origins);
    start("");
  }
  test::HttpAnswer preflight(std::string_view target, std::string_view origin) const {
    return test::HttpConnection(site.server->port())
        .request("OPTIONS", target, fmt::format("Origin: {}\r\nAccess-Control-Request-Method: GET\r\n", origin));
  }
};

TEST_F(CrossOriginOverHttp, pages_of_listed_sites_may_ask) {
  start_for({"https://shop.example", "http://localhost:5173"});
  for (const char* target : {"/search", "/similar/999", "/nowhere", "/similar/10?limit=0"}) {
    const auto answer = site.get(target, "Origin: https://shop.example\r\n");
    EXPECT_EQ(answer.header("access-control-allow-origin"), "https://shop.example") << target;
    EXPECT_THAT(answer.header("vary"), HasSubstr("Origin")) << target;
    EXPECT_EQ(answer.header("access-control-allow-credentials"), "");
  }
  const auto posted = site.post("/events", R"([{"event_id":"a","kind":"view","dataset_id":10,"at":"2026-11-24T09:30:00Z"}])",
                                "Origin: http://localhost:5173\r\nContent-Type: application/json\r\n");
  EXPECT_EQ(posted.status, 202);
  EXPECT_EQ(posted.header("access-control-allow-origin"), "http://localhost:5173");  // an answer that waited for the disk, too
  for (const char* origin : {"https://shop.example.evil", "https://shop.example:444", "http://shop.example", "null"}) {
    const auto answer = site.get("/search", fmt::format("Origin: {}\r\n", origin));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.header("access-control-allow-origin"), "") << origin;
  }
  EXPECT_EQ(site.get("/search").header("access-control-allow-origin"), "");
}

TEST_F(CrossOriginOverHttp, a_preflight_says_what_may_be_sent) {
  start_for({"https://shop.example"});
  const auto answer = preflight("/similar/10", "https://shop.example");
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(answer.header("content-length"), "");
  EXPECT_EQ(answer.header("access-control-allow-origin"), "https://shop.example");
  EXPECT_EQ(answer.header("access-control-allow-methods"), "GET, HEAD");
  EXPECT_THAT(answer.header("access-control-allow-headers"),
              AllOf(HasSubstr("X-API-Key"), HasSubstr("Content-Type"), HasSubstr("X-Request-ID"), HasSubstr("traceparent")));
  EXPECT_EQ(answer.header("access-control-max-age"), "600");
  EXPECT_EQ(preflight("/events", "https://shop.example").header("access-control-allow-methods"), "POST");
  const auto other = preflight("/similar/10", "https://other.example");
  EXPECT_EQ(other.status, 204);
  EXPECT_EQ(other.header("access-control-allow-origin"), "");
  EXPECT_EQ(other.header("access-control-allow-methods"), "");
  const auto admin =
      test::HttpConnection(site.server->admin_port()).request("OPTIONS", "/models", "Origin: https://shop.example\r\n");
  EXPECT_EQ(admin.status, 405);
  EXPECT_EQ(admin.header("access-control-allow-origin"), "");
}

TEST_F(CrossOriginOverHttp, a_preflight_carries_no_key_and_needs_none) {
  site.options.access.cors_origins = {"https://shop.example"};
  start("keys:\n" + entry("shop", kShop, "scopes: [search]"));
  EXPECT_EQ(preflight("/search", "https://shop.example").status, 204);
  EXPECT_EQ(site.get("/search", "Origin: https://shop.example\r\n").status, 401);
}

TEST_F(CrossOriginOverHttp, a_star_is_every_site) {
  start_for({"*"});
  EXPECT_EQ(site.get("/search", "Origin: https://any.example\r\n").header("access-control-allow-origin"), "*");
  EXPECT_EQ(preflight("/search", "https://any.example").header("access-control-allow-methods"), "GET, HEAD");
}

TEST_F(CrossOriginOverHttp, without_a_list_nothing_is_said_of_other_sites) {
  start_for({});
  EXPECT_EQ(site.get("/search", "Origin: https://shop.example\r\n").header("access-control-allow-origin"), "");
  EXPECT_EQ(site.get("/search", "Origin: https://shop.example\r\n").header("vary"), "X-API-Key");
  EXPECT_EQ(preflight("/search", "https://shop.example").status, 405);
}

TEST(CrossOriginTest, refuses_what_no_browser_sends) {
  for (const char* origin : {"shop.example", "https://shop.example/", "https://Shop.example", "https://", "ftp://shop.example",
                             "https://a b", "https://*.example", "null"})
    EXPECT_THROW(CrossOrigin({origin}), Error) << origin;
  EXPECT_THROW(CrossOrigin({"*", "https://shop.example"}), Error);
  EXPECT_NO_THROW(CrossOrigin({"https://shop.example:8443", "http://[::1]:3000"}));
}

}  // namespace
}  // namespace lodestone::serving
