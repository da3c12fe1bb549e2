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

/// What every request passes on its way to a handler. Both may be empty.
struct Gate {
  /// Header lines that every answer to the request carries, each complete; the text must outlive the answer.
  std::function<std::string_view(const Request&)> headers;
  /// Asked once the path is known, whatever the method; false when it has answered itself. `allow` names the methods of the path.
  std::function<bool(const Request&, Response&, const std::string& pattern, const std::string& allow)> admit;
};

/// Filled before the listener starts, const afterwards, safe from many threads. Handlers run on the listener's threads and must not
/// block there.
class Router {
 public:
  /// `method` is kGet (which also answers HEAD) or kPost. A pattern that two handlers claim for one method is a bug.
  void add(Method method, std::string_view pattern, Handler handler);

  /// A handler whose answer may wait; of POST where no method is named.
  void add_deferred(std::string_view pattern, DeferredHandler handler) {
    add_deferred(Method::kPost, pattern, std::move(handler));
  }
  void add_deferred(Method method, std::string_view pattern, DeferredHandler handler);

  void set_gate(Gate gate) { gate_ = std::move(gate); }
  /// Requests for that path, which has no parameters, are answered however late a thread is.
  void keep(std::string_view path) { kept_.emplace_back(path); }
  [[nodiscard]] bool is_kept(std::string_view path) const;
  /// The header lines that every answer to the request carries, one that is refused unseen included.
  [[nodiscard]] std::string_view headers(const Request& request) const {
    return gate_.headers ? gate_.headers(request) : std::string_view();
  }

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
    DeferredHandler deferred_get;   ///< instead of `get`
    DeferredHandler deferred_post;  ///< instead of `post`
    [[nodiscard]] bool has_get() const { return get || deferred_get; }
    [[nodiscard]] bool has_post() const { return post || deferred_post; }
    void list_methods() { allow = has_get() ? (has_post() ? "GET, HEAD, POST" : "GET, HEAD") : "POST"; }
    std::string allow;
  };
  using Segments = std::array<std::string_view, kMaxSegments>;

  Route& route_of(std::string_view pattern);
  static std::size_t split(std::string_view path, Segments& segments);
  [[nodiscard]] const Route* match(const Segments& segments, std::size_t n) const;

  std::vector<Route> routes_;
  Gate gate_;
  std::vector<std::string> kept_;
};

}  // namespace lodestone::http
