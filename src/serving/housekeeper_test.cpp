#include "serving/housekeeper.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "base/file.hpp"
#include "serving/file_follower.hpp"

namespace lodestone::serving {
namespace {

using namespace std::chrono_literals;

/// Waits, long enough for a loaded machine.
bool comes_true(const std::function<bool()>& fact) {
  for (int i = 0; i < 2000; ++i) {
    if (fact()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

TEST(Housekeeper, a_changed_file_begins_a_round_long_before_the_interval_ends) {
  TemporaryFolder folder;
  const fs::path file = folder.path() / "rules.yaml";
  FileFollower follower("rules", file);
  std::atomic<int> taken{0};
  Housekeeper housekeeper;
  housekeeper.watch(folder.path());
  housekeeper.add([&] {
    static_cast<void>(follower.look([&](std::string_view text, const std::string&) { taken = static_cast<int>(text.size()); }));
  });
  housekeeper.start(10min);
  write_file_atomic(file, "abc");
  EXPECT_TRUE(comes_true([&] { return taken == 3; })) << "replaced by rename";
  write_file_atomic(file, "abcdef");
  EXPECT_TRUE(comes_true([&] { return taken == 6; }));
  fs::remove(file);
  EXPECT_TRUE(comes_true([&] { return taken == 0; }));
  housekeeper.stop();  // does not wait for the interval either
}

TEST(Housekeeper, a_folder_that_comes_later_is_watched_from_then_on) {
  TemporaryFolder folder;
  std::atomic<int> rounds{0};
  Housekeeper housekeeper;
  housekeeper.watch(folder.path() / "bundles");
  housekeeper.watch(folder.path());
  housekeeper.add([&] { ++rounds; });
  housekeeper.start(10min);
  ASSERT_TRUE(comes_true([&] { return rounds > 0; }));
  fs::create_directory(folder.path() / "bundles");
  ASSERT_TRUE(comes_true([&] { return rounds > 1; })) << "the folder above it saw it come";
  const int before = rounds;
  for (int i = 0; i < 2000 && rounds == before; ++i) {  // until the watch is set
    write_file_atomic(folder.path() / "bundles" / "CURRENT", "b-1\n");
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_GT(rounds, before);
}

}  // namespace
}  // namespace lodestone::serving
