#pragma once
// A server with an observer, for tests of what is told of its answers.

#include <gtest/gtest.h>

#include <chrono>
#include <string_view>

#include "base/clock.hpp"
#include "http/listener.hpp"
#include "http/request_observer.hpp"
#include "metrics/registry.hpp"

namespace lodestone::test {

class ObservedServerTest : public ::testing::Test {
 protected:
  ObservedServerTest() {
    router.add(http::Method::kGet, "/ok/{name}",
               [](const http::Request&, http::Response& response) { response.out() += "12345"; });
  }

  /// Calls `talk` with the port of a server; what it was asked has been told of when this returns.
  template <typename Talk>
  void serve(const Talk& talk) {
    http::RequestObserver observer(options, registry, clock, 1);
    observer.start();
    http::ListenOptions listen;
    listen.on_answer = [&](const http::Request& request, int status, std::size_t bytes) { observer.see(request, status, bytes); };
    http::Listener listener(router, listen);
    listener.start();
    talk(listener.port());
    listener.stop(std::chrono::seconds(10));
    observer.stop();
  }
  std::uint64_t count(std::string_view name, metrics::Labels labels = {}) {
    return registry.value(registry.counter(name, "", std::move(labels)));
  }

  FixedClock clock{*parse_time("2026-11-24T09:30:00Z")};
  metrics::Registry registry;
  http::ObserverOptions options;
  http::Router router;
};

}  // namespace lodestone::test
