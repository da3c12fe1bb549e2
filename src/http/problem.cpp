#include "http/problem.hpp"

#include "base/json.hpp"
#include "base/log.hpp"

namespace lodestone::http {

namespace {

void answer_hidden(const Request& request, Response& response, int status, std::string_view inner) {
  log_error("http", "{} {}: {}", request.request_id, request.path, inner);
  answer_problem(response, status, "the server could not answer; its log has the reason under this answer's X-Request-ID");
}

}  // namespace

void answer_problem(Response& response, int status, std::string_view detail, std::string_view parameter) {
  response.clear_body();
  response.status = status;
  response.content_type = "application/problem+json";
  response.cache_control = "private, no-store";
  response.etag = 0;
  json::Writer writer(response.out());
  writer.begin_object();
  writer.key("type").value("about:blank");
  writer.key("title").value(reason_phrase(status));
  writer.key("status").value(status);
  writer.key("detail").value(detail);
  if (!parameter.empty()) writer.key("parameter").value(parameter);
  writer.end_object();
}

void answer_current_exception(const Request& request, Response& response) {
  try {
    throw;
  } catch (const ParameterError& error) {
    answer_problem(response, http_status(error.code()), error.message(), error.parameter());
  } catch (const Error& error) {
    const int status = http_status(error.code());
    if (status >= 500) return answer_hidden(request, response, status, error.message());
    answer_problem(response, status, error.message());
  } catch (const std::exception& error) {
    answer_hidden(request, response, 500, error.what());
  }
}

}  // namespace lodestone::http
