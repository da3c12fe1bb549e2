#include "serving/event_replay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "base/file.hpp"

namespace lodestone::serving {
namespace {

class EventReplayTest : public testing::Test {
 protected:
  /// A segment with events "begin" to "end - 1".
  fs::path segment(int begin, int end, const std::string& more = "") {
    std::string text;
    PostedEvent event;
    event.item = ItemId(5);
    event.at = event.received_at = *parse_time("2026-11-24T09:30:00Z");
    for (int i = begin; i < end; ++i) {
      event.event_id = std::to_string(i);
      append_line(text, event);
    }
    const fs::path path = folder_.path() / (std::to_string(begin) + ".jsonl");
    write_file_atomic(path, text + more);
    return path;
  }
  static std::vector<int> replay(const std::vector<fs::path>& segments) {
    std::vector<int> ids;
    replay_segments(segments, [&](std::span<PostedEvent> events) {
      for (PostedEvent& event : events) {
        ids.push_back(std::stoi(event.event_id));
        event.event_id = "taken";
      }
    });
    return ids;
  }
  static std::vector<int> range(int n) {
    std::vector<int> out;
    for (int i = 0; i < n; ++i) out.push_back(i);
    return out;
  }
  TemporaryFolder folder_;
};

TEST_F(EventReplayTest, gives_all_in_their_order) {
  EXPECT_EQ(replay({segment(0, 1'024), segment(1'024, 1'025), segment(1'025, 9'000)}), range(9'000));
  EXPECT_EQ(replay({segment(0, 0)}), range(0));
  EXPECT_EQ(replay({}), range(0));
}

TEST_F(EventReplayTest, leaves_out_what_is_damaged_torn_or_gone) {
  EXPECT_EQ(replay({segment(0, 2, "what is this\n"), folder_.path() / "gone.jsonl", segment(2, 3, "{\"event_id\":\"3")}),
            range(3));
}

TEST_F(EventReplayTest, ends_when_the_taker_throws) {
  const std::vector<fs::path> segments = {segment(0, 50'000)};
  EXPECT_THROW(replay_segments(segments, [](std::span<PostedEvent>) { throw std::runtime_error("enough"); }), std::runtime_error);
}

}  // namespace
}  // namespace lodestone::serving
