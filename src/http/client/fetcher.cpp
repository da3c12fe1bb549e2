#include "http/client/fetcher.hpp"

#include <curl/curl.h>

#include <array>

#include "base/address.hpp"
#include "base/error.hpp"

namespace lodestone::http {
namespace {

void start_library() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK) fail(ErrorCode::kInternal, "libcurl does not start: {}", curl_easy_strerror(started));
}

/// A body that is being received.
struct Receiver {
  std::string body;
  std::size_t most = 0;
};

std::size_t receive(char* bytes, std::size_t, std::size_t n, void* to) {
  auto* receiver = static_cast<Receiver*>(to);
  if (receiver->body.size() + n > receiver->most) return 0;  // which ends the transfer
  receiver->body.append(bytes, n);
  return n;
}

}  // namespace

struct Fetcher::Handle {
  Handle() {
    start_library();
    curl = curl_easy_init();
    if (curl == nullptr) fail(ErrorCode::kInternal, "libcurl gives no handle");
  }
  ~Handle() {
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  /// Forgets the last request, not its connection.
  void reset(const FetchLimits& limits) {
    curl_easy_reset(curl);
    curl_slist_free_all(headers);
    headers = nullptr;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect_timeout.count()));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(limits.timeout.count()));
    if (!limits.authorities.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, limits.authorities.c_str());
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "lodestone");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &receive);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error.data());
    error[0] = '\0';
  }

  CURL* curl = nullptr;
  curl_slist* headers = nullptr;
  std::array<char, CURL_ERROR_SIZE> error{};
};

Fetcher::Fetcher(const FetchLimits& limits) : limits_(limits), handle_(std::make_unique<Handle>()) {}
Fetcher::~Fetcher() = default;

FetchAnswer Fetcher::get(const std::string& url) {
  handle_->reset(limits_);
  return run(url);
}

FetchAnswer Fetcher::post(const std::string& url, std::string_view content_type, std::string_view body) {
  handle_->reset(limits_);
  handle_->headers = curl_slist_append(nullptr, ("Content-Type: " + std::string(content_type)).c_str());
  handle_->headers = curl_slist_append(handle_->headers, "Expect:");  // a turn less
  curl_easy_setopt(handle_->curl, CURLOPT_HTTPHEADER, handle_->headers);
  curl_easy_setopt(handle_->curl, CURLOPT_POST, 1L);
  curl_easy_setopt(handle_->curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(handle_->curl, CURLOPT_POSTFIELDS, body.data());  // outlives the transfer
  return run(url);
}

FetchAnswer Fetcher::run(const std::string& url) {
  Receiver receiver{{}, limits_.answer_bytes};
  curl_easy_setopt(handle_->curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle_->curl, CURLOPT_WRITEDATA, &receiver);
  const CURLcode result = curl_easy_perform(handle_->curl);
  const std::string where = shown_address(url);
  if (result == CURLE_UNSUPPORTED_PROTOCOL || result == CURLE_URL_MALFORMAT) {
    fail(ErrorCode::kInvalidArgument, "\"{}\" is no address that begins with http:// or https://", where);
  }
  if (result == CURLE_OPERATION_TIMEDOUT) {
    fail(ErrorCode::kTimeout, "{} did not answer within {} s", where, static_cast<double>(limits_.timeout.count()) / 1'000);
  }
  if (result == CURLE_WRITE_ERROR)
    fail(ErrorCode::kUnavailable, "{} answers with more than {} bytes", where, limits_.answer_bytes);
  if (result != CURLE_OK) {
    fail(ErrorCode::kUnavailable, "{} cannot be asked: {}", where,
         handle_->error[0] != '\0' ? handle_->error.data() : curl_easy_strerror(result));
  }
  long status = 0;
  curl_easy_getinfo(handle_->curl, CURLINFO_RESPONSE_CODE, &status);
  return {static_cast<int>(status), std::move(receiver.body)};
}

}  // namespace lodestone::http
