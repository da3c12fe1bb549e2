#pragma once
// Path patterns to handlers. Patterns are compiled once: "/similar/{dataset_id}" has a literal segment and a parameter.

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/deferred.hpp"
#include "http/message.hpp"
#include "http/target.hpp"

namespace lodestone::http {

using Handler = std::function<void(const Request&, Response&)>;

/// Filled before the listener starts, const afterwards, safe from many threads. Handlers run on the listener's threads and must not
/// block there.
class Router {
 public:
  /// `method` is kGet (which also answers HEAD) or kPost. A pattern that two handlers claim for one method is a bug.
  void add(Method method, std::string_view pattern, Handler handler);

  /// A POST handler whose answer may wait.
  void add_deferred(std::string_view pattern, DeferredHandler handler);

  /// Requests for that path, which has no parameters, are answered however late a thread is.
  void keep(std::string_view path) { kept_.emplace_back(path); }
  [[nodiscard]] bool is_kept(std::string_view path) const;

  /// Answers a request: the handler's answer, or a problem: 404 (no such path), 405 with Allow. Exceptions of handlers become
  /// problems. `target` is the parsed target of the request; the parameters of the path are added to the request. Where there is no
  /// answer yet, gives what is to be waited for, else nullptr.
  std::unique_ptr<Deferred> dispatch(Request& request, Target& target, Response& response) const;

  /// Every pattern with its method, for the test that the API document describes each.
  struct Entry {
    Method method;
    std::string pattern;
  };
  [[nodiscard]] std::vector<Entry> entries() const;

 private:
  static constexpr std::size_t kMaxSegments = 8;
  struct Route {
    std::string pattern;
    std::vector<std::string> segments;  ///< "{name}" without its braces for a parameter
    std::vector<bool> is_parameter;
    std::vector<std::string> parameters;
    Handler get;
    Handler post;
    DeferredHandler deferred_post;  ///< instead of `post`
    std::string allow;
  };
  using Segments = std::array<std::string_view, kMaxSegments>;

  Route& route_of(std::string_view pattern);
  static std::size_t split(std::string_view path, Segments& segments);
  [[nodiscard]] const Route* match(const Segments& segments, std::size_t n) const;

  std::vector<Route> routes_;
  std::vector<std::string> kept_;
};

}  // namespace lodestone::http
