#include "http/router.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "http/problem.hpp"

namespace lodestone::http {

Router::Route& Router::route_of(std::string_view pattern) {
  const auto found = std::ranges::find(routes_, pattern, &Route::pattern);
  if (found != routes_.end()) return *found;
  Route route;
  route.pattern = pattern;
  Segments segments;
  const std::size_t n = split(pattern, segments);
  LODESTONE_ASSERT(n <= kMaxSegments, "pattern {} is too deep", pattern);
  for (std::size_t i = 0; i < n; ++i) {
    std::string_view segment = segments[i];
    const bool parameter = segment.starts_with('{') && segment.ends_with('}');
    if (parameter) segment = segment.substr(1, segment.size() - 2);
    if (parameter) route.parameters.emplace_back(segment);
    route.segments.emplace_back(segment);
    route.is_parameter.push_back(parameter);
  }
  routes_.push_back(std::move(route));
  return routes_.back();
}

void Router::add(Method method, std::string_view pattern, Handler handler) {
  LODESTONE_ASSERT(method == Method::kGet || method == Method::kPost, "only GET and POST are routed");
  Route& route = route_of(pattern);
  LODESTONE_ASSERT(method == Method::kGet ? !route.has_get() : !route.has_post(), "two handlers for {}", pattern);
  (method == Method::kGet ? route.get : route.post) = std::move(handler);
  route.list_methods();
}

void Router::add_deferred(Method method, std::string_view pattern, DeferredHandler handler) {
  LODESTONE_ASSERT(method == Method::kGet || method == Method::kPost, "only GET and POST are routed");
  Route& route = route_of(pattern);
  LODESTONE_ASSERT(method == Method::kGet ? !route.has_get() : !route.has_post(), "two handlers for {}", pattern);
  (method == Method::kGet ? route.deferred_get : route.deferred_post) = std::move(handler);
  route.list_methods();
}

bool Router::is_kept(std::string_view path) const { return std::ranges::find(kept_, path) != kept_.end(); }

std::size_t Router::split(std::string_view path, Segments& segments) {
  std::size_t n = 0;
  path.remove_prefix(1);  // the slash that every path starts with
  for (;;) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (n < kMaxSegments) segments[n] = path.substr(0, end);
    ++n;
    if (end == path.size()) return n;
    path.remove_prefix(end + 1);
  }
}

const Router::Route* Router::match(const Segments& segments, std::size_t n) const {
  for (const Route& route : routes_) {
    if (route.segments.size() != n) continue;
    bool fits = true;
    for (std::size_t i = 0; i < n && fits; ++i) {
      fits = route.is_parameter[i] ? !segments[i].empty() : route.segments[i] == segments[i];
    }
    if (fits) return &route;
  }
  return nullptr;
}

std::unique_ptr<Deferred> Router::dispatch(Request& request, Target& target, Response& response) const {
  Segments segments;
  const std::size_t n = split(request.path, segments);
  const Route* route = n <= kMaxSegments ? match(segments, n) : nullptr;
  if (route != nullptr) request.pattern = route->pattern;
  if (route == nullptr) {
    answer_problem(response, 404, "there is nothing at this path; /openapi.json lists what there is");
    return nullptr;
  }
  request.parameters = target.parameters();
  if (gate_.admit && !gate_.admit(request, response, route->pattern, route->allow)) return nullptr;
  const bool get = request.method == Method::kGet || request.method == Method::kHead;
  const Handler& handler = get ? route->get : route->post;
  const DeferredHandler& deferred = get ? route->deferred_get : route->deferred_post;
  if ((!handler && !deferred) || (!get && request.method != Method::kPost)) {
    answer_problem(response, 405, "this path does not take that method; the Allow header names those it takes");
    response.allow = route->allow;
    return nullptr;
  }
  std::array<QueryParameter, kMaxSegments> parameters;
  std::size_t n_parameters = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (!route->is_parameter[i]) continue;
    parameters[n_parameters++] = target.decode_segment(route->segments[i], segments[i]);
  }
  request.path_parameters = std::span(parameters).first(n_parameters);
  std::unique_ptr<Deferred> rest;
  try {
    if (deferred) {
      rest = deferred(request, response);
    } else {
      handler(request, response);
    }
  } catch (...) {
    answer_current_exception(request, response);
  }
  request.path_parameters = {};  // they lie in this frame
  return rest;
}

std::vector<Router::Entry> Router::entries() const {
  std::vector<Entry> result;
  for (const Route& route : routes_) {
    if (route.has_get()) result.push_back({Method::kGet, route.pattern});
    if (route.has_post()) result.push_back({Method::kPost, route.pattern});
  }
  return result;
}

}  // namespace lodestone::http
