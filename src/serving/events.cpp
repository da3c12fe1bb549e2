#include "serving/events.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "base/error.hpp"
#include "base/json.hpp"
#include "http/parameters.hpp"
#include "http/problem.hpp"
#include "serving/json_body.hpp"
#include "serving/robots.hpp"

namespace lodestone::serving {
namespace {

constexpr double kLatencyBounds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1};
constexpr int kRetrySeconds = 1;

struct Rejected {
  std::size_t index = 0;
  std::string detail;
};

void answer_unavailable(http::Response& response, std::string_view detail) {
  http::answer_problem(response, 503, detail);
  response.retry_after = kRetrySeconds;
}

void write_answer(http::Response& response, std::size_t accepted, std::size_t duplicate, const std::vector<Rejected>& rejected) {
  response.status = 202;
  json::Writer writer(response.out());
  writer.begin_object().key("accepted").value(static_cast<std::int64_t>(accepted));
  writer.key("duplicate").value(static_cast<std::int64_t>(duplicate)).key("rejected").begin_array();
  for (const Rejected& one : rejected) {
    writer.begin_object()
        .key("index")
        .value(static_cast<std::int64_t>(one.index))
        .key("detail")
        .value(std::string_view(one.detail));
    writer.end_object();
  }
  writer.end_array().end_object();
}

}  // namespace

/// One request on its way to the disk and back.
struct Events::Post {
  EventBatch batch;
  std::vector<std::size_t> indexes;  ///< places of the batch's events in the body
  std::vector<Rejected> rejected;    ///< ascending by index
};

Events::Events(EventJournal* journal, EventTimes times, metrics::Registry& registry, const Clock& clock, int n_threads)
    : journal_(journal), times_(times), clock_(&clock) {
  const auto events = [&](const char* outcome) {
    return registry.counter("events_received_total", "Events of POST /events, by what became of them.", {{"outcome", outcome}});
  };
  const auto posts = [&](const char* status) {
    return registry.counter("event_posts_total", "Answers of POST /events.", {{"status", status}});
  };
  metrics_ = {events("accepted"),
              events("duplicate"),
              events("rejected"),
              events("robot"),
              posts("202"),
              posts("400"),
              posts("415"),
              posts("422"),
              posts("503"),
              registry.histogram("event_post_seconds", "From the last byte of a POST /events to its answer.", kLatencyBounds)};
  for (int t = 0; t < n_threads; ++t) slots_.push_back(&registry.register_thread());
}

void Events::add_routes(http::Router& router) {
  router.add_deferred("/events", [this](const http::Request& request, http::Response& response) {
    std::unique_ptr<http::Deferred> rest;
    try {
      rest = post(request, response);
    } catch (...) {
      http::answer_current_exception(request, response);
    }
    if (rest == nullptr) count(request, response);
    return rest;
  });
}

std::unique_ptr<http::Deferred> Events::post(const http::Request& request, http::Response& response) {
  static_cast<void>(http::Parameters(request, {}));
  auto made = std::make_shared<Post>();
  if (!read(request, response, *made)) return nullptr;
  if (is_robot(request.user_agent)) {
    slots_[static_cast<std::size_t>(request.thread)]->add(metrics_.robot, made->batch.events.size());
    write_answer(response, 0, 0, made->rejected);
    return nullptr;
  }
  if (journal_ == nullptr) {
    answer_unavailable(response, "this server takes no events: its configuration names no folder for them");
    return nullptr;
  }
  if (made->batch.events.empty()) {
    answer(*made, request, response);
    return nullptr;
  }
  auto rest = std::make_unique<http::Deferred>();
  rest->start = [this, made](std::function<void()> resume) {
    made->batch.done = std::move(resume);
    journal_->submit(std::shared_ptr<EventBatch>(made, &made->batch));
  };
  rest->finish = [this, made](const http::Request& of, http::Response& to) {
    answer(*made, of, to);
    count(of, to);
  };
  return rest;
}

bool Events::read(const http::Request& request, http::Response& response, Post& post) const {
  const auto body = read_json_body(request, response, [](std::string_view text) { return json::parse(text, "body"); });
  if (!body) return false;
  const json::Array* array = body->as_array();
  if (array == nullptr) {
    http::answer_problem(response, 422,
                         "the body is no JSON array; expected [{\"event_id\", \"kind\", \"dataset_id\", \"at\", ...}, ...]");
    return false;
  }
  if (array->size() > kMaxEvents) {
    http::answer_problem(response, 422,
                         fmt::format("the body has {} events, at most {} are taken at once", array->size(), kMaxEvents));
    return false;
  }
  const TimePoint now = clock_->now();
  EventBatch& batch = post.batch;
  for (std::size_t i = 0; i < array->size(); ++i) {
    Result<PostedEvent> event = read_event((*array)[i], now, times_);
    if (!event) {
      post.rejected.push_back({i, event.reason()});
      continue;
    }
    batch.events.push_back(std::move(event).value());
    append_line(batch.lines, batch.events.back());
    batch.line_ends.push_back(batch.lines.size());
    post.indexes.push_back(i);
  }
  return true;
}

void Events::answer(const Post& post, const http::Request& request, http::Response& response) {
  if (!post.batch.failure.empty()) return answer_unavailable(response, post.batch.failure);
  std::size_t n_accepted = 0;
  std::size_t n_duplicate = 0;
  std::vector<Rejected> rejected = post.rejected;
  for (std::size_t i = 0; i < post.batch.outcomes.size(); ++i) {
    switch (post.batch.outcomes[i]) {
      case EventOutcome::kAccepted: ++n_accepted; break;
      case EventOutcome::kDuplicate: ++n_duplicate; break;
      case EventOutcome::kTooMany:
        rejected.push_back(
            {post.indexes[i], "this visitor or user sends more events a second than are taken; send it again later"});
        break;
    }
  }
  std::ranges::sort(rejected, {}, &Rejected::index);
  metrics::ThreadSlots& slots = *slots_[static_cast<std::size_t>(request.thread)];
  slots.add(metrics_.accepted, n_accepted);
  slots.add(metrics_.duplicate, n_duplicate);
  slots.add(metrics_.rejected, rejected.size());
  write_answer(response, n_accepted, n_duplicate, rejected);
}

void Events::count(const http::Request& request, const http::Response& response) {
  metrics::ThreadSlots& slots = *slots_[static_cast<std::size_t>(request.thread)];
  switch (response.status) {
    case 202: slots.add(metrics_.posts_202); break;
    case 400: slots.add(metrics_.posts_400); break;
    case 415: slots.add(metrics_.posts_415); break;
    case 422: slots.add(metrics_.posts_422); break;
    default: slots.add(metrics_.posts_503); break;
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - request.started;
  slots.observe(metrics_.seconds, elapsed.count());
}

}  // namespace lodestone::serving
