// A worker's first request finds its memory as the thousandth does.
#include <gtest/gtest.h>

#include <thread>

#include "http/target.hpp"
#include "serving/recommendations.hpp"
#include "tests/support/allocation_counter.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone::serving {
namespace {

constexpr int kThreads = 2;

class WarmTest : public ::testing::Test {
 protected:
  void SetUp() override {
    recommendations.set_exposure_log(&exposures);
    recommendations.set_request_timeout(std::chrono::seconds(20));  // machines that are busy
    recommendations.add_routes(router);
    const std::string id = bundle::pack(test::sample_release(), test::sample_info(), folder.path());
    auto loaded = std::make_shared<LoadedRelease>();
    loaded->bundle = bundle::Bundle::open(folder.path() / id);
    releases.set(std::move(loaded));
  }

  /// Allocations of one request to a worker; its answer must be 200.
  std::size_t allocations(int thread, std::string_view path_and_query) {
    static thread_local http::Target target;
    static thread_local std::string body(1U << 20U, ' ');
    body.clear();
    EXPECT_TRUE(target.parse(path_and_query));
    http::Request request;
    request.path = target.path();
    request.parameters = target.parameters();
    request.request_id = "req_5abb7154-da65-4911-9e5f-8d3d35193541";
    request.started = std::chrono::steady_clock::now();
    request.thread = thread;
    http::Response response(body);
    const std::size_t before = test::allocation_count();
    router.dispatch(request, target, response);
    const std::size_t after = test::allocation_count();
    EXPECT_EQ(response.status, 200) << response.body();
    return after - before;
  }

  TemporaryFolder folder;
  FixedClock clock{*parse_time("2026-11-24T09:30:00Z")};
  metrics::Registry registry;
  ServingMetrics metrics{registry};
  ReleaseHolder releases;
  ExperimentFile experiments{"", metrics};
  Shadow shadow{releases, registry};
  ExposureLog exposures{ExposureLogOptions{}, registry, clock, kThreads};  // not started: it refuses what its queue does not hold
  Recommendations recommendations{releases, experiments, shadow, metrics, registry, clock, kThreads};
  http::Router router;
};

TEST_F(WarmTest, the_first_request_of_each_worker_allocates_what_the_thousandth_does) {
  // A list that guests share takes memory once, where it is kept; this one is not shared.
  const std::vector<std::string> targets = {"/similar/10?limit=50&exclude=1", "/recommend/detail/10?limit=50&user_id=100",
                                            "/recommend/user/100?limit=50&exclude=1,2,3,4,5,6,7,8,9,10,11,12",
                                            "/hot/trending?limit=100", "/search?limit=50&q=weather+statistics"};
  for (int t = 0; t < kThreads; ++t) {
    std::thread([&, t] {
      recommendations.tick(t);
      for (const std::string& target : targets) {
        const std::size_t first = allocations(t, target);
        for (int i = 1; i < 999; ++i) allocations(t, target);
        EXPECT_EQ(first, allocations(t, target)) << target << " on worker " << t;
      }
    }).join();
  }
}

TEST_F(WarmTest, all_are_warm_when_each_is_and_a_cold_one_allocates_more) {
  EXPECT_FALSE(recommendations.are_warm());
  recommendations.tick(0);
  EXPECT_FALSE(recommendations.are_warm());
  EXPECT_GT(allocations(1, "/similar/10"), allocations(0, "/similar/10"));
  recommendations.tick(1);
  EXPECT_TRUE(recommendations.are_warm());
  recommendations.tick(1);
  recommendations.wait_until_warm();
}

}  // namespace
}  // namespace lodestone::serving
