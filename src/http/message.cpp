#include "http/message.hpp"

#include <fmt/core.h>

namespace lodestone::http {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 202: return "Accepted";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
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
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "";
  }
}

std::string format_etag(std::uint64_t etag) { return fmt::format("W/\"{:016x}\"", etag); }

bool etag_matches(std::string_view if_none_match, std::uint64_t etag) {
  if (if_none_match.empty() || etag == 0) return false;
  if (if_none_match == "*") return true;
  const std::string whole = format_etag(etag);
  const std::string_view opaque = std::string_view(whole).substr(2);  // the weak comparison ignores W/
  return if_none_match.find(opaque) != std::string_view::npos;
}

}  // namespace lodestone::http
