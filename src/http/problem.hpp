#pragma once
// Problem documents (RFC 9457): the body of every answer that is no success.

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "http/message.hpp"

namespace lodestone::http {

/// A parameter of the request that cannot be used; becomes 422 with the parameter's name.
class ParameterError : public Error {
 public:
  ParameterError(std::string parameter, std::string message)
      : Error(ErrorCode::kInvalidArgument, std::move(message)), parameter_(std::move(parameter)) {}
  [[nodiscard]] const std::string& parameter() const noexcept { return parameter_; }

 private:
  std::string parameter_;
};

/// Replaces the answer by a problem document. `parameter` "" = none. The type is about:blank, so the title is the status phrase.
void answer_problem(Response& response, int status, std::string_view detail, std::string_view parameter = "");

/// The exception now being handled as a problem: ParameterError and Error by their code, anything else 500. Text of errors from 500 on
/// goes to the log with the request id and not to the client. Call inside a catch block.
void answer_current_exception(const Request& request, Response& response);

}  // namespace lodestone::http
