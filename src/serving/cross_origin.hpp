#pragma once
// Which pages of other sites may ask in a browser (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol). No answer allows credentials: there are no
// cookies here.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace lodestone::serving {

/// Const, safe from many threads.
class CrossOrigin {
 public:
  /// `origins` as browsers send them, "https://shop.example:8443", or "*" alone for every site; empty = nothing is said of other sites. Throws
  /// invalid_argument naming the first that is none.
  explicit CrossOrigin(const std::vector<std::string>& origins);

  [[nodiscard]] bool is_on() const { return is_any_ || !lines_.empty(); }
  /// The header lines of an answer to this Origin ("" = none was sent); they live as long as this.
  [[nodiscard]] std::string_view headers(std::string_view origin) const;
  /// Whether pages of that origin may ask.
  [[nodiscard]] bool allows(std::string_view origin) const { return is_any_ || lines_.find(origin) != lines_.end(); }
  /// Answers a preflight for a path that takes the methods `allow`.
  void answer_preflight(const http::Request& request, http::Response& response, std::string_view allow) const;

 private:
  bool is_any_ = false;
  std::map<std::string, std::string, std::less<>> lines_;  ///< by origin
};

}  // namespace lodestone::serving
