// The channels' file changes while clients wait for channels: no request fails, and every list says only what channels said that were asked together.
// Runs under the thread sanitizer in CI.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <set>
#include <thread>

#include "tests/support/scripted_server.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

using test::ScriptedServer;

ScriptedServer remote(std::string_view items) {
  return ScriptedServer([items = fmt::format("[{}]", items)](std::string_view bytes) {
    return ScriptedServer::answer_http(bytes, 200, items, std::chrono::milliseconds(3));
  });
}

/// The channels that a list names; "?" for an answer that is none.
std::set<std::string> named(const test::HttpAnswer& answer) {
  if (answer.status != 200) return {"?", answer.body};
  std::set<std::string> out;
  const json::Value body = json::parse(answer.body, "answer");
  const json::Value* list = body.find("similar_items");
  if (list == nullptr) list = body.find("recommendations");
  for (const json::Value& item : *list->as_array()) {
    const std::string& reason = *item.find("reason")->as_string();
    for (const char* name : {"one", "two", "three", "external", "fallback:bundle"}) {
      if (reason.find(name) != std::string::npos) out.insert(name);
    }
  }
  return out;
}

TEST(ChannelsUnderLoad, the_file_changes_and_no_request_is_lost) {
  const ScriptedServer a = remote("64,52");
  const ScriptedServer b = remote("40,43");
  const auto channel = [](const char* name, const ScriptedServer& at, double weight) {
    return fmt::format("  {}: {{url: \"http://127.0.0.1:{}/?i={{dataset_id}}\", deadline_ms: 10000, weight: {}}}\n", name,
                       at.port(), weight);
  };
  const std::array<std::string, 5> files = {"channels:\n" + channel("one", a, 50),
                                            "channels:\n" + channel("two", b, 50) + channel("one", a, 60), "",
                                            "channels:\n" + channel("one", b, 50), "channels:\n" + channel("three", a, 50)};
  const std::set<std::set<std::string>> good = {{"one"}, {"two"}, {"one", "two"}, {}, {"three"}};

  test::ServingSite site;
  site.options.channels_file = site.folder.path() / "channels.yaml";
  site.options.cache.preheat_items = 3;
  site.publish(site.pack_sample());
  const std::uint16_t port = site.start().port();
  std::atomic<bool> done{false};
  std::atomic<int> n_answers{0};
  std::array<std::set<std::set<std::string>>, 4> seen;
  std::vector<std::thread> clients;
  for (std::size_t c = 0; c < seen.size(); ++c) {
    clients.emplace_back([&, c] {
      test::HttpConnection connection(port);
      for (std::size_t i = c; !done; ++i) {
        const std::size_t item = 10 + 3 * (i % 20);
        seen[c].insert(named(connection.get(i % 2 == 0 ? fmt::format("/similar/{}?limit=50", item)
                                                       : fmt::format("/recommend/detail/{}?user_id=100&limit=50", item))));
        ++n_answers;
      }
    });
  }
  for (std::size_t change = 0; change < 25; ++change) {
    write_file_atomic(site.options.channels_file, files[change % files.size()]);
    const int before = n_answers;
    while (n_answers < before + 60) std::this_thread::yield();
  }
  done = true;
  for (std::thread& client : clients) client.join();
  std::set<std::set<std::string>> all;
  for (const auto& of_client : seen) all.insert(of_client.begin(), of_client.end());
  for (const auto& one : all) EXPECT_TRUE(good.contains(one)) << testing::PrintToString(one);
  EXPECT_TRUE(all.contains({"one"}));
  EXPECT_TRUE(all.contains({"three"}));
}

}  // namespace
}  // namespace lodestone::serving
