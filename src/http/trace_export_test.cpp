#include "http/trace_export.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "base/error.hpp"
#include "base/json.hpp"
#include "http/listener.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/observed_server.hpp"

namespace lodestone::http {
namespace {

constexpr const char* kParent = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
constexpr const char* kUnsampled = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00\r\n";

/// A collector that keeps what it gets.
class Collector {
 public:
  Collector() {
    router_.add(Method::kPost, "/v1/traces", [this](const Request& request, Response& response) {
      EXPECT_EQ(request.content_type, "application/json");
      const json::Value document = json::parse(request.body, "post");
      const json::Value& resource = document.find("resourceSpans")->as_array()->at(0);
      EXPECT_EQ(*resource.find("resource")->find("attributes")->as_array()->at(0).find("key")->as_string(), "service.name");
      for (const json::Value& span : *resource.find("scopeSpans")->as_array()->at(0).find("spans")->as_array())
        spans.push_back(span);
      response.status = status;
      response.out() += "{}";
    });
    listener_ = std::make_unique<Listener>(router_, ListenOptions{});
    listener_->start();
  }
  std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(listener_->port()) + "/v1/traces"; }

  std::vector<json::Value> spans;
  int status = 200;

 private:
  Router router_;
  std::unique_ptr<Listener> listener_;
};

class TraceExportTest : public test::ObservedServerTest {
 protected:
  TraceExportTest() {
    options.traces.emplace().endpoint = collector.endpoint();
    options.traces->sample = 0;
    router.add(Method::kGet, "/fail", [](const Request&, Response&) { fail(ErrorCode::kInternal, "on purpose"); });
  }
  static std::string text(const json::Value& span, const char* key) { return *span.find(key)->as_string(); }
  static std::string attribute(const json::Value& span, std::string_view key) {
    const json::Array& attributes = *span.find("attributes")->as_array();
    for (const json::Value& one : attributes) {
      if (*one.find("key")->as_string() == key) return *one.find("value")->as_object()->at(0).value.as_string();
    }
    return "";
  }

  Collector collector;
};

TEST_F(TraceExportTest, a_span_belongs_to_the_trace_of_the_caller) {
  serve([](std::uint16_t port) {
    test::http_get(port, "/ok/a?q=secret", std::string(kParent) + "X-Request-ID: req_12345678\r\n");
    test::http_get(port, "/fail", kParent);
    test::http_get(port, "/ok/b", kUnsampled);
    test::http_get(port, "/ok/c");
  });
  ASSERT_EQ(collector.spans.size(), 2U);
  const json::Value& span = collector.spans[0];
  EXPECT_EQ(text(span, "traceId"), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(text(span, "parentSpanId"), "00f067aa0ba902b7");
  EXPECT_EQ(text(span, "spanId").size(), 16U);
  EXPECT_NE(text(span, "spanId"), text(collector.spans[1], "spanId"));
  EXPECT_EQ(text(span, "name"), "GET /ok/{name}");
  EXPECT_EQ(*span.find("kind")->as_int(), 2);
  const std::int64_t now = clock.now().time_since_epoch().count() * 1'000;
  const std::int64_t begin = std::stoll(text(span, "startTimeUnixNano"));
  const std::int64_t end = std::stoll(text(span, "endTimeUnixNano"));
  EXPECT_LE(begin, end);
  EXPECT_NEAR(static_cast<double>(now - end), 0, 1'000) << "the clock stands still, and the beginning has microseconds";
  EXPECT_EQ(attribute(span, "url.path"), "/ok/a");
  EXPECT_EQ(attribute(span, "http.route"), "/ok/{name}");
  EXPECT_EQ(attribute(span, "http.request.method"), "GET");
  EXPECT_EQ(attribute(span, "http.response.status_code"), "200");
  EXPECT_EQ(attribute(span, "client.address"), "127.0.0.1");
  EXPECT_EQ(attribute(span, "lodestone.request_id"), "req_12345678");
  EXPECT_TRUE(span.find("status")->as_object()->empty());
  EXPECT_EQ(attribute(collector.spans[1], "http.response.status_code"), "500");
  EXPECT_EQ(*collector.spans[1].find("status")->find("code")->as_int(), 2);
  EXPECT_EQ(count("trace_spans_exported_total"), 2U);
}

TEST_F(TraceExportTest, a_malformed_header_is_ignored_and_a_new_trace_begins) {
  options.traces->sample = 1;
  options.access_log.emplace();
  const TemporaryFolder folder;
  options.access_log->file = folder.path() / "access.jsonl";
  serve([](std::uint16_t port) {
    test::http_get(port, "/ok/a", "traceparent: 00-00000000000000000000000000000000-00f067aa0ba902b7-01\r\n");
    test::http_get(port, "/nothing");
  });
  ASSERT_EQ(collector.spans.size(), 2U);
  const std::string trace = text(collector.spans[0], "traceId");
  EXPECT_EQ(trace.size(), 32U);
  EXPECT_NE(trace, std::string(32, '0'));
  EXPECT_NE(trace, text(collector.spans[1], "traceId"));
  EXPECT_EQ(collector.spans[0].find("parentSpanId"), nullptr);
  EXPECT_EQ(text(collector.spans[1], "name"), "GET");
  EXPECT_THAT(read_file(options.access_log->file), ::testing::HasSubstr("\"trace_id\":\"" + trace + "\""));
}

TEST_F(TraceExportTest, what_the_collector_refuses_is_counted) {
  collector.status = 503;
  serve([](std::uint16_t port) { test::http_get(port, "/ok/a", kParent); });
  EXPECT_EQ(count("trace_spans_exported_total"), 0U);
  EXPECT_EQ(count("trace_spans_dropped_total", {{"reason", "collector"}}), 1U);
}

TEST_F(TraceExportTest, a_collector_that_is_not_there_is_no_reason_to_wait) {
  options.traces->endpoint = "http://127.0.0.1:1/v1/traces";
  serve([](std::uint16_t port) { EXPECT_EQ(test::http_get(port, "/ok/a", kParent).status, 200); });
  EXPECT_EQ(count("trace_spans_dropped_total", {{"reason", "collector"}}), 1U);
}

TEST_F(TraceExportTest, refuses_what_is_no_address) {
  options.traces->endpoint = "name:s3cret@localhost:4318";
  try {
    const RequestObserver observer(options, registry, clock, 1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(),
              "serving.trace_endpoint is \"***@localhost:4318\", expected the address of an OTLP collector such as "
              "http://127.0.0.1:4318/v1/traces");
  }
}

}  // namespace
}  // namespace lodestone::http
