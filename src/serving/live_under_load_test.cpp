// Everything that changes while a server answers, at once: events, rules, experiments, a rollout, a shadow. No request fails, what a rule has hidden is
// not shown, and what a visitor has bought is not shown to that visitor.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/metrics_lint.hpp"
#include "tests/support/sample_ranking.hpp"
#include "tests/support/sample_release.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

/// The sample release with a ranker whose features move with events.
models::ReleaseData ranked_release(TimePoint as_of) {
  models::ReleaseData data = test::sample_release({.list_share = 1});
  data.ranking = test::sample_ranking(data, 3);
  const std::vector<std::string> columns = {"item_views_24h", "user_click_count"};
  data.ranking.rankers = {{"light", test::stump_ranker(columns, {{0, 2, -1, 1}, {1, 2, 0, 0.5}})}};
  data.online.emplace();
  data.online->as_of = as_of;
  return data;
}

bool shows(const std::string& body, std::int64_t item) {
  return body.find(fmt::format("\"dataset_id\":{},\"title\"", item)) != std::string::npos;
}

TEST(LiveUnderLoad, no_request_fails_and_nothing_forbidden_is_shown) {
  test::ServingSite site;
  const std::string one = site.pack(ranked_release(site.clock.now()));
  const std::string two = site.pack(ranked_release(site.clock.now()));
  site.publish(one);
  site.options.rules_file = site.folder.path() / "rules.yaml";
  site.options.experiments_file = site.folder.path() / "experiments.yaml";
  write_file_atomic(site.options.rules_file, "hide: ['item_id=16']\n");
  site.options.tuning.exploration = 0.3;
  const std::uint16_t port = site.start().port();

  std::atomic<bool> done{false};
  std::atomic<int> n_answers{0};
  std::array<std::string, 3> faults;
  std::vector<std::thread> clients;
  for (std::size_t c = 0; c < faults.size(); ++c) {
    clients.emplace_back([&, c] {
      test::HttpConnection connection(port);
      for (std::size_t i = 0; !done && faults[c].empty(); ++i) {
        const std::string user = std::to_string(1'000 * (c + 1) + i % 50);
        const std::int64_t bought = 10 + 3 * static_cast<std::int64_t>(i % 40);
        const std::string event = fmt::format(
            R"([{{"event_id":"{}-{}","kind":"order","user_id":{},"visitor_id":"v{}","dataset_id":{},"at":"2026-11-24T09:30:00Z"}}])",
            c, i, user, user, bought);
        const auto posted = connection.request("POST", "/events", "Content-Type: application/json\r\n", event);
        if (posted.status != 202) faults[c] = posted.body;
        for (const std::string& target :
             {"/recommend/user/" + user + "?limit=50", "/recommend/detail/10?limit=50&user_id=" + user,
              std::string("/similar/13?limit=50"), std::string("/hot/trending?limit=50")}) {
          const auto answer = connection.get(target);
          if (answer.status != 200) faults[c] = answer.body;
          if (shows(answer.body, 16)) faults[c] = "hidden: " + target + answer.body;
          if (target.find(user) != std::string::npos && shows(answer.body, bought)) faults[c] = "bought: " + target + answer.body;
          ++n_answers;
        }
      }
    });
  }
  for (int round = 0; round < 12; ++round) {
    write_file_atomic(site.options.rules_file,
                      fmt::format("hide: ['item_id=16']\nrules: {{a: {{pin: [{{dataset_id: {}}}]}}}}\n", 19 + 3 * (round % 5)));
    write_file_atomic(
        site.options.experiments_file,
        fmt::format(
            "experiments: {{e: {{status: active, salt: s{}, variants: [{{name: x, allocation: 0.5, parameters: {{diversity: "
            "0.3}}}}]}}}}\n",
            round));
    const char* const rest = round % 3 == 0 ? "\"mode\":\"shadow\"" : round % 3 == 1 ? "\"rollout\":0.5" : "\"rollout\":1";
    const std::string& other = round % 6 < 3 ? two : one;
    EXPECT_EQ(site.admin("POST", "/models/reload", fmt::format(R"({{"source":"{}",{}}})", other, rest)).status, 200);
    const int before = n_answers;
    while (n_answers < before + 60) std::this_thread::yield();
  }
  done = true;
  for (std::thread& client : clients) client.join();
  for (const std::string& fault : faults) EXPECT_EQ(fault, "");
  auto series = test::parse_metrics(site.admin("GET", "/metrics").body);
  EXPECT_GT(series["shadow_requests_total{result=\"compared\"}"], 0);
  EXPECT_GT(series["events_received_total{outcome=\"accepted\"}"], 50);
  EXPECT_GT(series["exposure_log_written_total"], 0);
}

}  // namespace
}  // namespace lodestone::serving
