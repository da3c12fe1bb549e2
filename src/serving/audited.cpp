#include "serving/audited.hpp"

#include "base/error.hpp"
#include "http/parameters.hpp"
#include "http/problem.hpp"
#include "serving/admin.hpp"

namespace lodestone::serving {
namespace {

/// The sentence of a problem document.
std::string detail_of(const http::Response& response) {
  const json::Value problem = json::parse(response.body(), "answer");
  const json::Value* detail = problem.find("detail");
  return detail == nullptr || detail->as_string() == nullptr ? "" : *detail->as_string();
}

}  // namespace

http::Handler audit_calls(const std::string& token, AuditLog& audit, std::string action, ChangingHandler handler) {
  return [&token, &audit, action = std::move(action), handler = std::move(handler)](const http::Request& request,
                                                                                    http::Response& response) {
    // Who has no token changes nothing, and could fill the log until what it knows is gone.
    if (!check_token(request, token, response)) return;
    AuditEntry entry{.action = action, .actor = "operator", .peer = std::string(request.peer), .outcome = ""};
    try {
      static_cast<void>(http::Parameters(request, {}));
      handler(request, response, entry.arguments);
    } catch (...) {
      http::answer_current_exception(request, response);
    }
    const bool is_done = response.status < 400;
    entry.outcome = is_done ? "done" : "refused";
    if (!is_done) entry.detail = detail_of(response);
    audit.write(entry);
  };
}

}  // namespace lodestone::serving
