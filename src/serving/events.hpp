#pragma once
// POST /events: what visitors did, an array at a time, acknowledged once it is on the disk.

#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "http/router.hpp"
#include "metrics/registry.hpp"
#include "serving/event_journal.hpp"

namespace lodestone::serving {

/// Events of one request.
inline constexpr std::size_t kMaxEvents = 1'000;

/// Handlers run on the thread that the request names.
class Events {
 public:
  /// Without a journal (nullptr) the endpoint answers 503. The journal, the registry and the clock must outlive it.
  Events(EventJournal* journal, EventTimes times, metrics::Registry& registry, const Clock& clock, int n_threads);

  void add_routes(http::Router& router);

 private:
  struct Post;
  std::unique_ptr<http::Deferred> post(const http::Request& request, http::Response& response);
  /// The well-formed ones of the body's events; what is wrong with the others stands in `rejected`. False when the body is none, which is
  /// answered.
  bool read(const http::Request& request, http::Response& response, Post& post) const;
  void answer(const Post& post, const http::Request& request, http::Response& response);
  void count(const http::Request& request, const http::Response& response);

  EventJournal* journal_;
  EventTimes times_;
  const Clock* clock_;
  struct Metrics {
    metrics::Counter accepted;
    metrics::Counter duplicate;
    metrics::Counter rejected;
    metrics::Counter robot;
    metrics::Counter posts_202;
    metrics::Counter posts_400;
    metrics::Counter posts_415;
    metrics::Counter posts_422;
    metrics::Counter posts_503;
    metrics::Histogram seconds;
  };
  Metrics metrics_;
  std::vector<metrics::ThreadSlots*> slots_;  ///< by thread
};

}  // namespace lodestone::serving
