#include "metrics/registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <thread>

#include "metrics/process.hpp"
#include "metrics/text.hpp"
#include "tests/support/metrics_lint.hpp"

namespace lodestone::metrics {
namespace {

using ::testing::IsEmpty;
constexpr double kBounds[] = {0.1, 0.5, 1.0};

TEST(Registry, adds_up_what_the_threads_counted) {
  Registry registry;
  const Counter counter = registry.counter("requests_total", "Requests.");
  const Histogram histogram = registry.histogram("wait_seconds", "Wait.", kBounds);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      ThreadSlots& slots = registry.register_thread();
      for (int i = 0; i < 10'000; ++i) {
        slots.add(counter);
        slots.observe(histogram, 0.25);
      }
    });
  }
  for (int i = 0; i < 20; ++i) EXPECT_LE(registry.value(counter), 40'000U);  // a scrape in the middle
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(registry.value(counter), 40'000U);
  const auto series = test::parse_metrics(registry.expose());
  EXPECT_EQ(series.at("wait_seconds_count"), 40'000);
  EXPECT_EQ(series.at("wait_seconds_sum"), 10'000);
}

TEST(Registry, exposes_sorted_escaped_text) {
  Registry registry;
  ThreadSlots& slots = registry.register_thread();
  const Histogram histogram = registry.histogram("b_seconds", "Time \\ of\nwork.", kBounds, {{"channel", "x"}});
  const Counter second = registry.counter("a_total", "Things.", {{"kind", "z\"\\\n"}, {"status", "200"}});
  const Counter first = registry.counter("a_total", "Things.", {{"kind", "b"}, {"status", "500"}});
  registry.gauge("c_bytes", "Size.").set(1.5);
  registry.declare_gauge("e_index", "Not known yet.");
  registry.set_info("d_info", "What.", {{"id", "old"}});
  registry.set_info("d_info", "What.", {{"id", "new"}});
  slots.add(first, 3);
  slots.add(second);
  slots.observe(histogram, 0.5);
  slots.observe(histogram, 2.25);
  EXPECT_EQ(registry.expose(),
            "# HELP a_total Things.\n# TYPE a_total counter\n"
            "a_total{kind=\"b\",status=\"500\"} 3\n"
            "a_total{kind=\"z\\\"\\\\\\n\",status=\"200\"} 1\n"
            "# HELP b_seconds Time \\\\ of\\nwork.\n# TYPE b_seconds histogram\n"
            "b_seconds_bucket{channel=\"x\",le=\"0.1\"} 0\n"
            "b_seconds_bucket{channel=\"x\",le=\"0.5\"} 1\n"
            "b_seconds_bucket{channel=\"x\",le=\"1\"} 1\n"
            "b_seconds_bucket{channel=\"x\",le=\"+Inf\"} 2\n"
            "b_seconds_sum{channel=\"x\"} 2.75\n"
            "b_seconds_count{channel=\"x\"} 2\n"
            "# HELP c_bytes Size.\n# TYPE c_bytes gauge\nc_bytes 1.5\n"
            "# HELP d_info What.\n# TYPE d_info gauge\nd_info{id=\"new\"} 1\n"
            "# HELP e_index Not known yet.\n# TYPE e_index gauge\n");
}

TEST(Registry, bucket_edges_are_inclusive) {
  Registry registry;
  ThreadSlots& slots = registry.register_thread();
  const Histogram histogram = registry.histogram("h_seconds", "H.", kBounds);
  slots.observe(histogram, 0.1);
  slots.observe(histogram, std::nextafter(0.1, 1.0));
  slots.observe(histogram, 1.0);
  slots.observe(histogram, std::nextafter(1.0, 2.0));
  const auto series = test::parse_metrics(registry.expose());
  EXPECT_EQ(series.at("h_seconds_bucket{le=\"0.1\"}"), 1);
  EXPECT_EQ(series.at("h_seconds_bucket{le=\"0.5\"}"), 2);
  EXPECT_EQ(series.at("h_seconds_bucket{le=\"1\"}"), 3);
  EXPECT_EQ(series.at("h_seconds_bucket{le=\"+Inf\"}"), 4);
}

TEST(Registry, gives_the_same_series_for_the_same_name_and_labels) {
  Registry registry;
  EXPECT_EQ(registry.counter("a_total", "A.", {{"k", "v"}}).slot, registry.counter("a_total", "A.", {{"k", "v"}}).slot);
  EXPECT_NE(registry.counter("a_total", "A.", {{"k", "v"}}).slot, registry.counter("a_total", "A.", {{"k", "w"}}).slot);
}

TEST(Registry, takes_new_series_after_threads_began_to_count) {
  Registry registry;
  ThreadSlots& slots = registry.register_thread();
  for (int i = 0; i < 2'000; ++i) slots.add(registry.counter("many_total", "Many.", {{"i", std::to_string(i)}}));
  EXPECT_EQ(registry.value(registry.counter("many_total", "Many.", {{"i", "1999"}})), 1U);
}

TEST(RegistryDeathTest, refuses_a_name_of_two_kinds_and_bad_names) {
  Registry registry;
  registry.counter("a_total", "A.");
  EXPECT_DEATH(registry.gauge("a_total", "A."), "two kinds");
  EXPECT_DEATH(registry.gauge("0a", "A."), "no metric name");
  EXPECT_DEATH(registry.gauge("b", "B.", {{"le-x", "1"}}), "no label name");
  constexpr double kFalling[] = {1.0, 0.5};
  EXPECT_DEATH(registry.histogram("c_seconds", "C.", kFalling), "do not rise");
}

TEST(Registry, runs_updates_before_each_scrape) {
  Registry registry;
  const Gauge gauge = registry.gauge("now", "Now.");
  int n = 0;
  registry.on_scrape([&] { gauge.set(++n); });
  EXPECT_EQ(test::parse_metrics(registry.expose()).at("now"), 1);
  EXPECT_EQ(test::parse_metrics(registry.expose()).at("now"), 2);
}

TEST(Process, exports_what_a_process_uses) {
  Registry registry;
  register_process_metrics(registry);
  const std::string text = registry.expose();
  EXPECT_THAT(test::lint_metrics(text), IsEmpty());
  const auto series = test::parse_metrics(text);
  EXPECT_GT(series.at("process_resident_memory_bytes"), 100'000);
  EXPECT_GT(series.at("process_virtual_memory_bytes"), series.at("process_resident_memory_bytes"));
  EXPECT_GT(series.at("process_open_fds"), 0);
  EXPECT_GE(series.at("process_max_fds"), series.at("process_open_fds"));
  EXPECT_GT(series.at("process_start_time_seconds"), 1.6e9);
}

TEST(Text, formats_numbers_for_prometheus) {
  EXPECT_EQ(format_number(0.0001), "0.0001");
  EXPECT_EQ(format_number(1'000'000), "1000000");
  EXPECT_EQ(format_number(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(format_number(-std::numeric_limits<double>::infinity()), "-Inf");
  EXPECT_EQ(format_number(std::numeric_limits<double>::quiet_NaN()), "NaN");
}

TEST(Lint, finds_what_is_wrong) {
  EXPECT_THAT(test::lint_metrics("# HELP a A.\n# TYPE a counter\na 1\n"),
              ::testing::ElementsAre("line 2: a is a counter without _total"));
  EXPECT_THAT(test::lint_metrics("b 1\n"), ::testing::ElementsAre("line 1: b has no HELP and TYPE"));
  EXPECT_THAT(test::lint_metrics("# HELP a_total A.\n# TYPE a_total counter\na_total 1\na_total 1\n"),
              ::testing::ElementsAre("line 4: a_total comes twice"));
}

}  // namespace
}  // namespace lodestone::metrics
