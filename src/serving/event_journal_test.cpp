#include "serving/event_journal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <future>

#include "base/error.hpp"

namespace lodestone::serving {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Remembers what it is fed.
class Fed final : public EventSink {
 public:
  void add(std::span<const PostedEvent> events) override {
    for (const PostedEvent& event : events) ids.push_back(event.event_id);
  }
  std::vector<std::string> ids;
};

class EventJournalTest : public ::testing::Test {
 protected:
  EventJournalTest() : clock(*parse_time("2026-11-24T09:30:00Z")) { options.segments.folder = folder.path() / "events"; }

  void start() {
    fed = std::make_unique<Fed>();
    journal = std::make_unique<EventJournal>(options, std::vector<EventSink*>{fed.get()}, registry, clock);
    journal->start();
    journal->wait_until_read();
  }
  std::shared_ptr<EventBatch> make(const std::vector<std::string>& ids, std::int64_t user = 1) {
    auto batch = std::make_shared<EventBatch>();
    for (const std::string& id : ids) {
      PostedEvent event;
      event.event_id = id;
      event.user = UserId(user);
      event.item = ItemId(5);
      event.at = event.received_at = clock.now();
      append_line(batch->lines, event);
      batch->line_ends.push_back(batch->lines.size());
      batch->events.push_back(std::move(event));
    }
    return batch;
  }
  /// Submits and waits: a letter for each event (a, d, t), or the failure.
  std::string send(const std::vector<std::string>& ids, std::int64_t user = 1) {
    const auto batch = make(ids, user);
    std::promise<void> done;
    batch->done = [&] { done.set_value(); };
    journal->submit(batch);
    done.get_future().wait();
    std::string out = batch->failure;
    for (const EventOutcome outcome : batch->outcomes) {
      if (batch->failure.empty()) out += "adt"[static_cast<int>(outcome)];
    }
    return out;
  }
  /// Submits them as stored by another server; the future is ready once they are taken.
  std::future<void> share(const std::vector<std::string>& ids) {
    auto batch = std::make_shared<EventBatch>();
    batch->is_foreign = true;
    batch->lines = make(ids)->lines;
    auto done = std::make_shared<std::promise<void>>();
    batch->done = [done] { done->set_value(); };
    journal->submit(batch);
    return done->get_future();
  }
  /// Keeps the journal's thread until the promise is kept, so that what is submitted meanwhile comes to it together.
  std::shared_ptr<std::promise<void>> hold(const std::string& id) {
    auto held = std::make_shared<std::promise<void>>();
    auto reached = std::make_shared<std::promise<void>>();
    const auto batch = make({id});
    batch->done = [held, reached] {
      reached->set_value();
      held->get_future().wait();
    };
    journal->submit(batch);
    reached->get_future().wait();
    return held;
  }
  std::vector<std::string> stored_ids() const {
    std::vector<std::string> ids;
    PostedEvent event;
    for (const fs::path& path : list_segments(options.segments.folder)) {
      read_segment(path, [&](std::string_view line) {
        const bool is_whole = parse_line(line, event);
        if (is_whole) ids.push_back(event.event_id);
        return is_whole;
      });
    }
    return ids;
  }

  TemporaryFolder folder;
  FixedClock clock;
  metrics::Registry registry;
  EventJournal::Options options;
  std::unique_ptr<Fed> fed;
  std::unique_ptr<EventJournal> journal;
};

TEST_F(EventJournalTest, stores_before_it_acknowledges_and_knows_what_comes_again) {
  start();
  EXPECT_EQ(send({"a", "b"}), "aa");
  EXPECT_THAT(stored_ids(), ElementsAre("a", "b"));
  EXPECT_EQ(send({"b", "c", "c"}), "dad");
  EXPECT_THAT(stored_ids(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(fed->ids, ElementsAre("a", "b", "c"));
  EXPECT_EQ(registry.value(registry.counter("event_journal_failures_total", "")), 0U);
}

TEST_F(EventJournalTest, knows_and_feeds_them_after_a_restart) {
  start();
  send({"a", "b"});
  journal.reset();
  start();
  EXPECT_THAT(fed->ids, ElementsAre("a", "b"));
  EXPECT_EQ(send({"b", "c"}), "da");
  EXPECT_EQ(list_segments(options.segments.folder).size(), 2U) << "a server begins a file of its own";
}

TEST_F(EventJournalTest, a_start_reads_no_more_than_the_newest_events) {
  options.segments.segment_bytes = 1;  // a segment each
  start();
  for (const char* id : {"a", "b", "c", "d", "e"}) send({id});
  journal.reset();
  options.replayed = 3;
  options.known_ids = 2;
  start();
  EXPECT_THAT(fed->ids, ElementsAre("c", "d", "e"));
  EXPECT_EQ(send({"e", "f"}), "da");
}

TEST_F(EventJournalTest, a_torn_tail_and_a_damaged_line_cost_themselves_only) {
  start();
  send({"a", "b", "c"});
  journal.reset();
  const fs::path segment = list_segments(options.segments.folder).front();
  std::string text = read_file(segment);
  text[text.find("\"b\"") + 1] = 'x';
  std::ofstream(segment) << text << "{\"event_id\":\"torn\",\"ki";
  start();
  EXPECT_THAT(fed->ids, ElementsAre("a", "c"));
  EXPECT_EQ(send({"b", "torn"}), "aa") << "what was lost may come again";
}

TEST_F(EventJournalTest, a_failed_write_acknowledges_nothing_and_the_next_one_counts) {
  start();
  ASSERT_EQ(send({"a"}), "a");
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  // The disk is full in the middle of the second line.
  const rlimit small{fs::file_size(list_segments(options.segments.folder).front()) + 200, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string refused = send({"b", "c", "d"});
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(refused, "the events could not be written to the disk; none of them counts");
  EXPECT_THAT(stored_ids(), ElementsAre("a"));
  EXPECT_THAT(fed->ids, ElementsAre("a"));
  EXPECT_EQ(send({"b", "c", "d", "a"}), "aaad") << "what was not acknowledged is no duplicate";
  EXPECT_THAT(stored_ids(), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(registry.value(registry.counter("event_journal_failures_total", "")), 1U);
}

TEST_F(EventJournalTest, what_another_server_stored_is_fed_and_known_and_not_written) {
  start();
  share({"a", "b"}).wait();
  EXPECT_THAT(fed->ids, ElementsAre("a", "b"));
  EXPECT_EQ(send({"b", "c"}), "da");
  share({"c", "d"}).wait();
  EXPECT_THAT(fed->ids, ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(stored_ids(), ElementsAre("c"));
}

TEST_F(EventJournalTest, a_disk_that_fails_costs_no_event_of_another_server) {
  write_file_atomic(options.segments.folder, "in the way");
  start();
  const auto held = hold("first");
  std::promise<void> refused;
  const auto own = make({"a", "b"});
  own->done = [&] { refused.set_value(); };
  journal->submit(own);
  const std::future<void> taken = share({"b", "c"});
  held->set_value();
  refused.get_future().wait();
  taken.wait();
  EXPECT_THAT(own->failure, HasSubstr("could not be written"));
  EXPECT_THAT(fed->ids, ElementsAre("b", "c"));
  fs::remove(options.segments.folder);
  EXPECT_EQ(send({"a", "b", "c"}), "add");
}

TEST_F(EventJournalTest, a_backlog_of_another_server_goes_behind_its_own) {
  start();
  const auto held = hold("first");
  std::vector<std::future<void>> taken;
  for (const char* id : {"x", "y", "z"}) taken.push_back(share({id}));
  const auto own = make({"a"});
  std::promise<void> acknowledged;
  own->done = [&] { acknowledged.set_value(); };
  journal->submit(own);
  held->set_value();
  acknowledged.get_future().wait();
  for (const auto& one : taken) one.wait();
  EXPECT_THAT(fed->ids, ElementsAre("first", "a", "x", "y", "z"));
}

TEST_F(EventJournalTest, a_folder_that_cannot_be_made_refuses_until_it_can) {
  write_file_atomic(options.segments.folder, "in the way");
  start();
  EXPECT_THAT(send({"a"}), HasSubstr("could not be written"));
  fs::remove(options.segments.folder);
  EXPECT_EQ(send({"a"}), "a");
}

TEST_F(EventJournalTest, one_server_writes_a_folder) {
  start();
  ASSERT_EQ(send({"a"}), "a");
  EventSegments second(options.segments, clock);
  try {
    second.append("x\n");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(),
                HasSubstr("another server writes its events there; give each server its own serving.events_folder"));
  }
}

TEST_F(EventJournalTest, segments_follow_each_other_and_the_oldest_go) {
  options.segments.segment_bytes = 300;
  options.segments.total_bytes = 1'000;
  start();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(send({"event-" + std::to_string(i)}), "a");
  std::uint64_t total = 0;
  for (const fs::path& path : list_segments(options.segments.folder)) total += fs::file_size(path);
  EXPECT_LE(total, 1'000U);
  EXPECT_EQ(stored_ids().back(), "event-19");
  EXPECT_GT(registry.value(registry.counter("event_journal_removed_segments_total", "")), 0U);
}

TEST_F(EventJournalTest, numbers_tell_the_order_of_segments) {
  make_folders(options.segments.folder);
  for (const char* name : {"20261124T093000Z-9.jsonl", "20261123T093000Z-10.jsonl", "20261124T093000Z-x.jsonl", "other.jsonl"})
    write_file_atomic(options.segments.folder / name, "");
  std::vector<std::string> names;
  for (const fs::path& path : list_segments(options.segments.folder)) names.push_back(path.filename().string());
  EXPECT_THAT(names, ElementsAre("20261124T093000Z-9.jsonl", "20261123T093000Z-10.jsonl"));
  EXPECT_THAT(list_segments(folder.path() / "none"), IsEmpty());
}

TEST_F(EventJournalTest, who_sends_too_much_is_told_and_may_come_again) {
  options.events_per_second = 0.3;  // three at once
  start();
  EXPECT_EQ(send({"a", "b", "c", "d"}), "aaat");
  EXPECT_EQ(send({"e"}, 2), "a");
  clock.advance(std::chrono::seconds(10));
  EXPECT_EQ(send({"d"}), "a");
}

TEST_F(EventJournalTest, a_full_queue_refuses_at_once) {
  options.waiting_bytes = 10;
  start();
  EXPECT_THAT(send({"a"}), HasSubstr("more events wait for the disk"));
  journal->stop();
  EXPECT_EQ(send({"a"}), "the server is stopping");
}

TEST_F(EventJournalTest, many_senders_of_one_id_are_one_event) {
  start();
  std::vector<std::thread> senders;
  std::atomic<int> accepted{0};
  for (int s = 0; s < 8; ++s) {
    senders.emplace_back([&, s] {
      for (int i = 0; i < 50; ++i) accepted += send({"event-" + std::to_string(i)}, s + 1) == "a" ? 1 : 0;
    });
  }
  for (std::thread& sender : senders) sender.join();
  EXPECT_EQ(accepted, 50);
  EXPECT_EQ(stored_ids().size(), 50U);
}

}  // namespace
}  // namespace lodestone::serving
