#include "http/request_record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.hpp"

namespace lodestone::http {
namespace {

RequestRecord sample() {
  RequestRecord record;
  record.at = *parse_time("2026-11-24T09:30:00.5Z");
  record.duration = std::chrono::microseconds(123);
  record.status = 200;
  record.bytes = 4096;
  record.method = Method::kGet;
  record.path = "/similar/5";
  record.pattern = "/similar/{dataset_id}";
  record.request_id = "req_12345678";
  record.peer = "127.0.0.1";
  record.trace = parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  record.span = {1, 2, 3, 4, 5, 6, 7, 8};
  return record;
}

std::string line(const RequestRecord& record) {
  std::string out;
  append_access_line(out, record);
  return out;
}

TEST(RequestRecord, comes_out_as_it_went_in) {
  std::string buffer;
  const RequestRecord record = unpack_record(pack_record(sample(), buffer));
  EXPECT_EQ(line(record), line(sample()));
  EXPECT_EQ(record.pattern, sample().pattern);
  EXPECT_EQ(record.span, sample().span);
  EXPECT_EQ(record.trace->parent, sample().trace->parent);
  EXPECT_TRUE(record.trace->sampled);
  RequestRecord long_path = sample();
  const std::string path(5'000, 'a');
  long_path.path = path;
  EXPECT_EQ(unpack_record(pack_record(long_path, buffer)).path.size(), kMaxPath);
  EXPECT_EQ(unpack_record(pack_record(long_path, buffer)).peer, "127.0.0.1");
}

TEST(RequestRecord, a_line_has_these_members) {
  EXPECT_EQ(line(sample()),
            R"({"time":"2026-11-24T09:30:00.500000Z","peer":"127.0.0.1","method":"GET","path":"/similar/5","status":200,)"
            R"("bytes":4096,"seconds":0.000123,"request_id":"req_12345678","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"})"
            "\n");
  RequestRecord none;
  none.status = 400;
  none.request_id = "req_12345678";
  EXPECT_EQ(line(none),
            R"({"time":"1970-01-01T00:00:00Z","peer":null,"method":null,"path":null,"status":400,"bytes":0,"seconds":0,)"
            R"("request_id":"req_12345678","trace_id":null})"
            "\n");
}

TEST(RequestRecord, no_path_makes_a_second_line) {
  RequestRecord forged = sample();
  forged.path = "/a\n{\"status\":200}\r\x1b[2J\"\xff\x7f";
  const std::string text = line(forged);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("\x1b")));
  EXPECT_TRUE(json::is_utf8(text));
  EXPECT_EQ(*json::parse(text, "line").find("status")->as_int(), 200);
}

}  // namespace
}  // namespace lodestone::http
