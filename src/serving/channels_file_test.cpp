#include "serving/channels_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "serving/channel_answer.hpp"

namespace lodestone::serving {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

ChannelBook parse(std::string_view text) { return parse_channels(text, "channels.yaml", 100ms); }

std::string refusal(std::string_view text) {
  try {
    static_cast<void>(parse(text));
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

TEST(ChannelsFile, reads_remote_channels_and_channels_in_redis) {
  const ChannelBook book = parse(R"(
channels:
  graph:
    url: http://recall.example:9000/near?dataset_id={dataset_id}&limit={limit}
    deadline_ms: 30
    weight: 0.75
    limit: 50
    pages: [similar, detail]
  editors:
    url: redis://127.0.0.1:6390/4
    key: "recs:{user_id}"
  lists: {url: "redis://127.0.0.1", key: "l:{dataset_id}", form: json}
)");
  ASSERT_EQ(book.channels.size(), 3U);
  EXPECT_TRUE(book.at_once);
  const ChannelSpec& graph = book.channels[0];
  EXPECT_EQ(graph.host, "recall.example");
  EXPECT_EQ(graph.port, 9000);
  EXPECT_EQ(graph.deadline, 30ms);
  EXPECT_EQ(graph.weight, 0.75);
  EXPECT_TRUE(graph.is_for(engine::PageKind::kDetail));
  EXPECT_FALSE(graph.is_for(engine::PageKind::kUser));
  EXPECT_TRUE(graph.is_shared);
  std::string target;
  ASSERT_TRUE(graph.pattern.expand({.item = -7, .user = {}}, graph.limit, target));
  EXPECT_EQ(target, "/near?dataset_id=-7&limit=50");
  const ChannelSpec& editors = book.channels[1];
  EXPECT_EQ(editors.form, ChannelSpec::Form::kRedisZset);
  EXPECT_EQ(editors.redis.database, 4);
  EXPECT_FALSE(editors.is_shared);
  EXPECT_FALSE(editors.pattern.expand({.item = 7, .user = {}}, 1, target)) << "it asks by user";
  EXPECT_EQ(book.channels[2].form, ChannelSpec::Form::kRedisJson);
}

TEST(ChannelsFile, no_file_is_no_channel) {
  EXPECT_THAT(parse("").channels, testing::IsEmpty());
  EXPECT_FALSE(parse("at_once: false").at_once);
}

TEST(ChannelsFile, names_every_error_at_once) {
  const std::string all = refusal(R"(
channels:
  behavior: {url: "http://a/b"}
  Big: {url: "ftp://a"}
  a: {url: "http://a/{dataset}", deadline_ms: 200}
  b: {url: "http://:80/", wieght: 1}
  c: {url: "redis://h", form: list}
)");
  EXPECT_THAT(all, HasSubstr("\"behavior\" is a channel of the engine; choose another name"));
  EXPECT_THAT(all, HasSubstr("a channel's name has up to 32 of a-z, 0-9 and _, a letter first"));
  EXPECT_THAT(all, HasSubstr("expected http://HOST:PORT/PATH, redis://HOST:PORT/DATABASE or rediss://HOST:PORT/DATABASE"));
  EXPECT_THAT(all, HasSubstr("\"{dataset}\" is none of {dataset_id}, {user_id} and {limit}"));
  EXPECT_THAT(all, HasSubstr("200"));
  EXPECT_THAT(all, HasSubstr("there is no host"));
  EXPECT_THAT(all, HasSubstr("weight"));
  EXPECT_THAT(all, HasSubstr("channels.c.key"));
  EXPECT_THAT(all, HasSubstr("there are 5 channels, at most 4 are asked"));
  for (const char* operation : {"request", "ranking"}) {
    EXPECT_THAT(refusal(std::string("channels: {") + operation + ": {url: 'http://a/'}}"),
                HasSubstr(std::string("\"") + operation +
                          "\" is taken: recommendation_timeouts_total calls an operation of the server so; choose another name"));
  }
  EXPECT_THAT(refusal("channels: {a: {url: 'http://u:p@a/'}}"), HasSubstr("a login before the host is not sent; leave it out"));
  EXPECT_THAT(refusal("channels: {a: {url: 'http://a/', key: x}}"), HasSubstr("only a channel in Redis has one"));
  EXPECT_THAT(refusal("channels: {a: {url: 'http://a/', pages: [trending]}}"), HasSubstr("is no page that hears a channel"));
}

std::vector<std::pair<std::int64_t, float>> unpacked(std::string_view bytes) {
  std::vector<std::pair<std::int64_t, float>> out;
  for (std::size_t i = 0; i < channel_answer_size(bytes); ++i) {
    const ChannelItem item = channel_answer_item(bytes, i);
    out.emplace_back(item.item, item.score);
  }
  return out;
}

TEST(ChannelAnswer, is_sorted_bounded_and_free_of_what_cannot_be_fused) {
  const std::string packed =
      pack_channel_answer({{1, 0.5F}, {2, 3}, {1, 2}, {3, 0}, {4, -1}, {5, NAN}, {6, INFINITY}, {7, 0.25F}, {8, 0.1F}}, 3);
  ASSERT_TRUE(is_channel_answer(packed));
  EXPECT_THAT(unpacked(packed), ElementsAre(std::pair(2, 3.0F), std::pair(1, 2.0F), std::pair(7, 0.25F)));
  const std::string empty = pack_channel_answer({}, 3);
  EXPECT_TRUE(is_channel_answer(empty));
  EXPECT_EQ(channel_answer_size(empty), 0U);
}

TEST(ChannelAnswer, what_is_damaged_or_of_another_program_is_none) {
  const std::string packed = pack_channel_answer({{1, 0.5F}, {2, 3}}, 3);
  for (std::size_t i = 0; i < packed.size(); ++i) {
    std::string damaged = packed;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_FALSE(is_channel_answer(damaged)) << i;
    EXPECT_FALSE(is_channel_answer(packed.substr(0, i))) << i;
  }
  EXPECT_FALSE(is_channel_answer("{\"items\": []}"));
}

TEST(ChannelAnswer, reads_documents_with_and_without_scores) {
  const auto read = [](std::string_view text) {
    const auto items = read_channel_json(text);
    return items ? unpacked(pack_channel_answer(*items, 10)) : std::vector{std::pair<std::int64_t, float>(-1, 0)};
  };
  EXPECT_THAT(read(R"({"items": [{"dataset_id": 4, "score": 2}, {"dataset_id": 5, "score": 0.5}]})"),
              ElementsAre(std::pair(4, 2.0F), std::pair(5, 0.5F)));
  EXPECT_THAT(read(R"([7, {"dataset_id": 8}])"), ElementsAre(std::pair(7, 1.0F), std::pair(8, 0.5F)));
  EXPECT_THAT(read(R"([7.0, {"dataset_id": 8.0}])"), ElementsAre(std::pair(7, 1.0F), std::pair(8, 0.5F)));
  EXPECT_THAT(read(R"({"items": []})"), testing::IsEmpty());
  for (const char* bad : {"", "{}", "{\"items\": 1}", "{\"items\": [{}]}", "[\"1\"]", "[{\"dataset_id\": 1, \"score\": \"x\"}]",
                          "[1.5]", "nonsense"})
    EXPECT_FALSE(read_channel_json(bad).has_value()) << bad;
}

TEST(ChannelAnswer, reads_sorted_sets) {
  using Value = cache::RespValue;
  const auto text = [](std::string value) {
    Value out;
    out.kind = Value::Kind::kText;
    out.text = std::move(value);
    return out;
  };
  Value reply;
  reply.kind = Value::Kind::kArray;
  reply.items = {text("12"), text("3.5"), text("13"), text("1e-2")};
  const auto items = read_channel_zset(reply);
  ASSERT_TRUE(items);
  EXPECT_THAT(unpacked(pack_channel_answer(*items, 10)), ElementsAre(std::pair(12, 3.5F), std::pair(13, 0.01F)));
  reply.items = {text("a"), text("3.5")};
  EXPECT_FALSE(read_channel_zset(reply).has_value());
  reply.items.pop_back();
  EXPECT_FALSE(read_channel_zset(reply).has_value());
}

}  // namespace
}  // namespace lodestone::serving
