#include "serving/access.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "http/problem.hpp"

namespace lodestone::serving {
namespace {

/// The description of the port, what a browser loads before anybody can give it a key, and what watches over the server.
constexpr std::string_view kOpen[] = {"/health",   "/livez",      "/readyz", "/openapi.json", "/docs",
                                      "/docs.css", "/snippet.js", "/",       "/app.js",       "/app.css"};

constexpr std::string_view kRequests = "api_key_requests_total";
constexpr std::string_view kRequestsHelp = "Requests with a good key, by what became of them at the gate.";

std::int64_t nanoseconds_of(std::chrono::steady_clock::time_point at) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count();
}

bool asks_to_explain(const http::Request& request) {
  return std::ranges::any_of(request.parameters,
                             [](const http::QueryParameter& one) { return one.name == "explain" && one.value != "false"; });
}

void answer_refused(http::Response& response, int status, std::string_view detail, std::string_view parameter = "") {
  http::answer_problem(response, status, detail, parameter);
  response.more_headers = status == 401 ? "WWW-Authenticate: X-API-Key\r\nVary: X-API-Key\r\n" : "Vary: X-API-Key\r\n";
}

}  // namespace

Access::Access(AccessOptions options, ServingMetrics& metrics, metrics::Registry& registry, const Clock& clock, int n_threads)
    : file_("keys", options.keys_file),
      origins_(options.cors_origins),
      metrics_(&metrics),
      registry_(&registry),
      clock_(&clock),
      unknown_(registry.counter("api_key_refusals_total", "Requests without a key that is known and not expired: 401.")) {
  registry.declare_counter(kRequests, kRequestsHelp);
  nobody_.name = "nobody";
  nobody_.filter = engine::Filter::parse("item_id<0 and item_id>0");
  publish({});
  for (int t = 0; t < n_threads; ++t) threads_.push_back(std::make_unique<OfThread>(books_, registry));
  const fs::path& path = options.keys_file;
  std::error_code reason;
  if (!path.empty() && !fs::exists(path, reason) && reason)  // not there is no error
    fail(ErrorCode::kUnavailable, "{}: cannot be looked at: {}; without it nobody would need a key", path.string(),
         reason.message());
  look();
  if (const auto problem = file_.problem()) fail(ErrorCode::kInvalidArgument, "{}", *problem);
}

http::Gate Access::gate() {
  http::Gate out;
  if (origins_.is_on()) out.headers = [this](const http::Request& request) { return origins_.headers(request.origin); };
  out.admit = [this](const http::Request& request, http::Response& response, const std::string& pattern,
                     const std::string& allow) { return admit(request, response, pattern, allow); };
  return out;
}

void Access::look() {
  const FileFollower::Look look = file_.look([this](std::string_view text, const std::string& name) {
    const bool is_blank = text.find_first_not_of(" \t\r\n") == std::string_view::npos;
    if (is_blank && (keys()->is_closed() || fs::exists(name))) {
      fail(ErrorCode::kInvalidArgument,
           "{}: it is gone or blank, which opens no door; write \"keys: []\" into it when nobody is to need a key", name);
    }
    KeyBook book = KeyBook::parse(text, name);
    if (book.is_closed()) {
      log_info("serving", "{} keys; nobody comes in without one", book.all().size());
    } else {
      log_info("serving", "there are no keys; nobody needs one");
    }
    publish(std::move(book));
  });
  if (look == FileFollower::Look::kSame) return;
  metrics_->count_file_read(WatchedFile::kKeys, look == FileFollower::Look::kTaken ? ServingMetrics::Reload::kLoaded
                                                                                   : ServingMetrics::Reload::kRefused);
}

std::shared_ptr<const KeyBook> Access::keys() const {
  const auto running = books_.get();
  return {running, &running->book};
}

void Access::publish(KeyBook book) {
  if (const auto before = books_.get()) book.keep_rates(before->book);
  auto next = std::make_shared<Running>();
  for (const ApiKey& key : book.all()) {
    const auto counter = [&](const char* outcome) {
      return registry_->counter(kRequests, kRequestsHelp, {{"key", key.name}, {"outcome", outcome}});
    };
    next->counters.push_back({counter("admitted"), counter("forbidden"), counter("limited")});
  }
  next->book = std::move(book);
  books_.set(std::move(next));
}

bool Access::is_open(std::string_view pattern) { return std::ranges::find(kOpen, pattern) != std::end(kOpen); }

Scope Access::scope_of(std::string_view pattern) {
  if (pattern == "/search") return Scope::kSearch;
  if (pattern == "/events") return Scope::kEvents;
  return Scope::kRecommend;
}

bool Access::admit(const http::Request& request, http::Response& response, std::string_view pattern, std::string_view allow) {
  if (request.method == http::Method::kOptions && origins_.is_on() && !request.origin.empty()) {
    origins_.answer_preflight(request, response, allow);
    return false;
  }
  OfThread& of = *threads_[static_cast<std::size_t>(request.thread)];
  const Running& running = *of.reader.current();
  if (!running.book.is_closed() || is_open(pattern)) return true;
  return admit_key(request, response, pattern, running, of);
}

const ApiKey* Access::find_good(const http::Request& request, const Running& running) const {
  const ApiKey* key = request.api_key.empty() ? nullptr : running.book.find(request.api_key);
  return key == nullptr || (key->not_after && clock_->now() >= *key->not_after) ? nullptr : key;
}

const ApiKey* Access::key_of(const http::Request& request) {
  const Running& running = *threads_[static_cast<std::size_t>(request.thread)]->reader.current();
  if (!running.book.is_closed()) return nullptr;
  const ApiKey* key = find_good(request, running);
  return key == nullptr ? &nobody_ : key;
}

bool Access::admit_key(const http::Request& request, http::Response& response, std::string_view pattern, const Running& running,
                       OfThread& of) {
  const ApiKey* key = find_good(request, running);
  if (key == nullptr) {
    of.slots.add(unknown_);
    const bool is_given = !request.api_key.empty();
    answer_refused(response, 401,
                   is_given ? "this key is not known here, or has expired" : "this server wants the header X-API-Key");
    return false;
  }
  const KeyCounters& counters = running.counters[static_cast<std::size_t>(key - running.book.all().data())];
  const auto has = [key](Scope scope) { return (key->scopes & scope_bit(scope)) != 0; };
  const Scope wanted = scope_of(pattern);
  const bool may_explain = has(Scope::kExplain) || !asks_to_explain(request);
  if (!has(wanted) || !may_explain) {
    of.slots.add(counters.forbidden);
    const std::string_view scope = scope_name(has(wanted) ? Scope::kExplain : wanted);
    answer_refused(response, 403,
                   fmt::format("the key {} is not good for {}, which is the scope \"{}\"", key->name,
                               has(wanted) ? "explain=true" : request.path, scope),
                   has(wanted) ? "explain" : "");
    return false;
  }
  if (pattern == "/demo" && key->filter) {
    of.slots.add(counters.forbidden);
    answer_refused(response, 403, "the demonstration shows data sets of all kinds, and this key is for some only");
    return false;
  }
  if (key->limit != nullptr) {
    if (const std::int64_t wait = key->limit->take(nanoseconds_of(request.started)); wait > 0) {
      of.slots.add(counters.limited);
      answer_refused(response, 429,
                     fmt::format("the key {} is good for {} requests a second, {} at once; wait as Retry-After says", key->name,
                                 key->rate, key->burst));
      response.retry_after = static_cast<int>(std::min<std::int64_t>((wait + 999'999'999) / 1'000'000'000, 86'400));
      return false;
    }
  }
  of.slots.add(counters.admitted);
  return true;
}

}  // namespace lodestone::serving
