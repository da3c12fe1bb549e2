#pragma once
// A whole site for serving tests: a store with bundles, a token, and a server on free ports of 127.0.0.1.

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "metrics/registry.hpp"
#include "models/release.hpp"
#include "serving/server.hpp"
#include "tests/support/http_client.hpp"

namespace lodestone::test {

class ServingSite {
 public:
  ServingSite();
  ~ServingSite();

  /// Packs a release (created one second after the one before) without publishing it; returns its id.
  std::string pack(const models::ReleaseData& data);
  /// The sample release of that seed, with every title starting with "seed N: ".
  std::string pack_sample(std::uint64_t seed = 1);
  void publish(const std::string& id) const;
  /// Constructs and starts the server.
  serving::Server& start();
  /// Ends the server, if there is one.
  void stop();

  HttpAnswer get(std::string_view target, std::string_view headers = "") const;
  /// The parsed body of a 200 answer.
  json::Value get_json(std::string_view target) const;
  HttpAnswer post(std::string_view target, std::string_view body,
                  std::string_view headers = "Content-Type: application/json\r\n") const;
  /// On the admin port, with the token.
  HttpAnswer admin(std::string_view method, std::string_view target, std::string_view body = "") const;
  /// Waits until the server answers from this bundle.
  void wait_for(const std::string& id) const;

  static constexpr std::string_view kToken = "0123456789abcdef-test";
  TemporaryFolder folder;
  FixedClock clock;
  metrics::Registry registry;
  serving::ServerOptions options;
  std::unique_ptr<serving::Server> server;

 private:
  int n_packed_ = 0;
};

/// The sample release, in which nothing trends in any window.
models::ReleaseData without_trending();

/// The string members of a problem document: "status: title: detail (parameter)"; fails the test on anything that is no problem.
std::string problem_text(const HttpAnswer& answer);

}  // namespace lodestone::test
