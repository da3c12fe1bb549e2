// More comes than a server can answer in time: some of it is refused, and counted as such.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/support/metrics_lint.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

TEST(Overload, refuses_lists_and_counts_them_and_never_its_health) {
  test::ServingSite site;
  site.publish(site.pack_sample());
  site.options.n_threads = 1;
  site.options.limits.queue_delay = std::chrono::milliseconds(1);
  const std::uint16_t port = site.start().port();
  constexpr int kPipelined = 40;
  std::string requests;
  for (int i = 0; i < kPipelined; ++i) requests += "GET /similar/10?limit=50&exclude=1 HTTP/1.1\r\nHost: a\r\n\r\n";
  requests += "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n";
  std::vector<std::unique_ptr<test::HttpConnection>> clients;
  for (int c = 0; c < 40; ++c) clients.push_back(std::make_unique<test::HttpConnection>(port));

  std::map<int, int> by_status;
  while (by_status[503] < 100) {  // a server that refuses none runs into the test's time limit
    for (const auto& client : clients) client->send(requests);
    for (const auto& client : clients) {
      for (int i = 0; i < kPipelined; ++i) ++by_status[client->read()->status];
      EXPECT_EQ(client->read()->status, 200) << "/readyz";
    }
  }
  EXPECT_EQ(by_status.size(), 2U);
  auto series = test::parse_metrics(site.admin("GET", "/metrics").body);
  EXPECT_EQ(series["requests_shed_total"], by_status[503]);
  EXPECT_EQ(series["recommendation_requests_total{endpoint=\"similar\",status=\"503\"}"], by_status[503]);
  EXPECT_EQ(series["recommendation_requests_total{endpoint=\"similar\",status=\"200\"}"], by_status[200]);
  EXPECT_EQ(series["recommendation_latency_seconds_count{endpoint=\"similar\"}"], by_status[200]);
}

}  // namespace
}  // namespace lodestone::serving
