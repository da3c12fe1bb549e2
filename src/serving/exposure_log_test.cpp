// The log alone: packing, files, what happens when the disk or the queue is full.
#include "serving/exposure_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "base/error.hpp"
#include "base/json.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone::serving {
namespace {

using ::testing::HasSubstr;

class ExposureLogTest : public ::testing::Test {
 protected:
  ExposureLogTest() {
    options.folder = folder.path() / "exposures";
    for (int i = 0; i < 3; ++i) {
      engine::PageItem& item = items.emplace_back();
      item.item = i;
      item.score = static_cast<float>(9 - i) / 10;
      item.channels = 0b11;
    }
  }

  static Exposure exposure(std::string_view request_id) {
    Exposure out;
    out.at = *parse_time("2026-11-24T09:30:00.5Z");
    out.request_id = request_id;
    out.algorithm_version = "b-1";
    out.endpoint = "similar";
    out.variant = "primary";
    out.experiment_variant = "control";
    out.degrade_reason = "none";
    return out;
  }

  void add(ExposureLog& log, int thread, std::string_view request_id) {
    log.add(thread, exposure(request_id), {bundle.release().catalog, items});
  }

  std::vector<fs::path> files() const {
    std::vector<fs::path> out;
    if (!fs::exists(options.folder)) return out;
    for (const auto& entry : fs::directory_iterator(options.folder)) out.push_back(entry.path());
    std::sort(out.begin(), out.end());
    return out;
  }
  std::string all_text() const {
    std::string out;
    for (const fs::path& path : files()) out += read_file(path);
    return out;
  }
  std::uint64_t count(std::string_view name, metrics::Labels labels = {}) {
    return registry.value(registry.counter(name, "", std::move(labels)));
  }

  TemporaryFolder folder;
  test::SampleBundle bundle{test::sample_release()};
  FixedClock clock{*parse_time("2026-11-24T09:30:00Z")};
  metrics::Registry registry;
  ExposureLogOptions options;
  std::vector<engine::PageItem> items;
};

TEST_F(ExposureLogTest, a_line_has_the_members_of_the_contract) {
  Exposure full = exposure("req_12345678");
  full.user = UserId(7);
  full.visitor_id = "ab\"cd";
  full.page = ItemId(10);
  full.slot = "top";
  full.origin = {"home", "Mozilla/5.0 (iPhone) Mobile", "zh-CN,zh;q=0.9", "app/1"};
  full.feature_snapshot_id = "00ff";
  items[1].propensity = 0.25F;
  std::string buffer;
  std::string line;
  append_exposure(line, pack_exposure(full, {bundle.release().catalog, std::span(items).first(2)}, buffer));
  EXPECT_EQ(line,
            R"({"request_id":"req_12345678","user_id":7,"visitor_id":"ab\"cd","page_id":10,"algorithm_version":"b-1",)"
            R"("items":[{"dataset_id":10,"score":0.9,"reason":"behavior+content","propensity":1},)"
            R"({"dataset_id":13,"score":0.8,"reason":"behavior+content","propensity":0.25}],)"
            R"("timestamp":"2026-11-24T09:30:00.500000Z","context":{"endpoint":"similar","slot":"top","variant":"primary",)"
            R"("experiment_variant":"control","degrade_reason":"none","source":"home","device_type":"mobile","locale":"zh-CN",)"
            R"("client_app":"app/1","model_run_id":null,"feature_snapshot_id":"00ff"}})"
            "\n");
  const std::vector<std::string> names = {"graph", "a_channel_whose_name_is_a_long_one"};
  full.external_names = names;
  items[0].channels = 1U << (engine::kOwnChannels + 1) | 1U << engine::kOwnChannels;
  line.clear();
  append_exposure(line, pack_exposure(full, {bundle.release().catalog, std::span(items).first(1)}, buffer));
  EXPECT_THAT(line, testing::HasSubstr(R"("reason":"graph+a_channel_whose_name_is_a_long_one","propensity":1}],"timestamp")"));
  std::string text;
  append_exposed(text, {bundle.release().catalog, std::span(items).first(1)}, names);
  std::string with_text;
  append_exposure(with_text, pack_exposure(full, {bundle.release().catalog, {}, text}, buffer));
  EXPECT_EQ(with_text, line) << "items that somebody wrote as text before";
  line.clear();
  append_exposure(line, pack_exposure(exposure("req_12345678"), {bundle.release().catalog, {}}, buffer));
  const json::Value value = json::parse(line, "line");
  EXPECT_TRUE(value.find("user_id")->is_null());
  EXPECT_TRUE(value.find("page_id")->is_null());
  EXPECT_TRUE(value.find("items")->as_array()->empty());
}

TEST_F(ExposureLogTest, all_threads_come_together_in_one_file_that_a_stop_ends) {
  {
    ExposureLog log(options, registry, clock, 2);
    log.start();
    std::thread other([&] {
      for (int i = 0; i < 500; ++i) add(log, 1, "req_bbbbbbbb");
    });
    for (int i = 0; i < 500; ++i) add(log, 0, "req_aaaaaaaa");
    other.join();
    log.stop();
  }
  ASSERT_EQ(files().size(), 1U);
  EXPECT_EQ(files()[0].filename(), "20261124T093000Z-1.jsonl");
  const std::string text = all_text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1000);
  EXPECT_TRUE(text.ends_with("}}\n"));
  EXPECT_EQ(count("exposure_log_written_total"), 1000U);
  EXPECT_EQ(count("exposure_log_dropped_total", {{"reason", "queue"}}), 0U);
}

TEST_F(ExposureLogTest, nothing_shown_makes_no_file) {
  {
    ExposureLog log(options, registry, clock, 1);
    log.start();
  }
  EXPECT_TRUE(files().empty());
}

TEST_F(ExposureLogTest, a_full_queue_refuses_and_counts_and_loses_nothing_before) {
  options.queue_bytes = 1024;
  {
    ExposureLog log(options, registry, clock, 1);
    for (int i = 0; i < 100; ++i) add(log, 0, "req_aaaaaaaa");  // nobody writes yet
    log.start();
    log.stop();
  }
  const std::uint64_t dropped = count("exposure_log_dropped_total", {{"reason", "queue"}});
  const std::uint64_t written = count("exposure_log_written_total");
  EXPECT_GT(dropped, 0U);
  EXPECT_GT(written, 0U);
  EXPECT_EQ(dropped + written, 100U);
  const std::string text = all_text();
  EXPECT_EQ(static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')), written);
}

TEST_F(ExposureLogTest, a_folder_that_cannot_be_written_costs_records_only) {
  write_file_atomic(options.folder, "a file where the folder should be");
  {
    ExposureLog log(options, registry, clock, 1);
    log.start();
    for (int i = 0; i < 10; ++i) add(log, 0, "req_aaaaaaaa");
    log.stop();
  }
  EXPECT_EQ(count("exposure_log_dropped_total", {{"reason", "disk"}}), 10U);
  EXPECT_EQ(count("exposure_log_written_total"), 0U);
}

TEST_F(ExposureLogTest, it_goes_on_when_the_disk_does) {
  options.retry_after = std::chrono::milliseconds(0);
  write_file_atomic(options.folder, "in the way");
  ExposureLog log(options, registry, clock, 1);
  log.start();
  add(log, 0, "req_aaaaaaaa");
  while (count("exposure_log_dropped_total", {{"reason", "disk"}}) == 0) std::this_thread::yield();
  fs::remove(options.folder);
  add(log, 0, "req_bbbbbbbb");
  log.stop();
  EXPECT_EQ(count("exposure_log_written_total"), 1U);
  EXPECT_THAT(all_text(), HasSubstr("req_bbbbbbbb"));
}

TEST_F(ExposureLogTest, files_are_rotated_and_the_oldest_go) {
  ExposureFiles out(options.folder, 100, 350, clock);
  const std::string line(59, 'x');
  std::uint64_t removed = 0;
  for (int i = 0; i < 6; ++i) {
    removed += out.write(line + "\n");  // a second one has no room beside it
    clock.advance(std::chrono::seconds(1));
  }
  out.close();
  // 100 bytes are kept free for the file that begins, so four of 60 stay beside it.
  ASSERT_EQ(files().size(), 5U);
  EXPECT_EQ(removed, 1U);
  EXPECT_EQ(files()[0].filename(), "20261124T093001Z-2.jsonl");
  EXPECT_EQ(files()[4].filename(), "20261124T093005Z-6.jsonl");
}

TEST_F(ExposureLogTest, what_is_finished_beside_the_next_file_is_whole_and_closed) {
  const auto n_open = [] { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); };
  const auto before = n_open();
  {
    ExposureFiles out(options.folder, 1'000, 10'000, clock);
    std::uint64_t removed = 0;
    for (int i = 0; i < 1'000; ++i) {
      removed += out.write(fmt::format("{:0>99}\n", i));
      clock.advance(std::chrono::seconds(1));  // into the names, which are in order then
    }
    EXPECT_EQ(removed, 90U);
  }
  EXPECT_EQ(n_open(), before);
  ASSERT_EQ(files().size(), 9U + 1);
  std::string expected;
  for (int i = 900; i < 1'000; ++i) expected += fmt::format("{:0>99}\n", i);
  EXPECT_EQ(all_text(), expected);
}

TEST_F(ExposureLogTest, two_servers_share_a_folder_and_spare_each_others_files) {
  ExposureFiles ours(options.folder, 100, 100, clock);
  ExposureFiles theirs(options.folder, 100, 100, clock);
  EXPECT_EQ(theirs.write("theirs\n"), 0U);
  EXPECT_EQ(ours.write("ours\n"), 0U) << "the other file is in use";
  ASSERT_EQ(files().size(), 2U);
  EXPECT_EQ(files()[1].filename(), "20261124T093000Z-2.jsonl");
  theirs.close();
  ours.close();
  ExposureFiles next(options.folder, 100, 100, clock);
  EXPECT_EQ(next.write("next\n"), 2U);
  EXPECT_EQ(all_text(), "next\n");
}

TEST_F(ExposureLogTest, a_write_that_fails_halfway_leaves_whole_lines) {
  // The limit of file sizes stands for a full disk: a write is cut, the next one fails.
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
  ExposureFiles out(options.folder, 1000, 10000, clock);
  out.write("first line, which has room\n");
  struct rlimit small = before;
  small.rlim_cur = 40;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string sentence;
  try {
    out.write("second line, half of which has room\n");
  } catch (const Error& error) {
    sentence = error.message();
  }
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, old_handler);
  EXPECT_THAT(sentence, HasSubstr("20261124T093000Z-1.jsonl: cannot be written: File too large; free space"));
  EXPECT_EQ(all_text(), "first line, which has room\n");
  out.write("third\n");
  out.close();
  ASSERT_EQ(files().size(), 2U) << "a file that failed is not written again";
  EXPECT_EQ(all_text(), "first line, which has room\nthird\n");
}

}  // namespace
}  // namespace lodestone::serving
