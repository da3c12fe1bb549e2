#pragma once
// The request target (RFC 9112, 3.2) taken apart: path and query parameters, percent-decoded.

#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace lodestone::http {

/// Appends the decoded text; false (and nothing appended) when a percent sign is not followed by two hexadecimal digits, or when the
/// result is no UTF-8 or holds control characters. `plus_is_blank` as in form data.
enum class Plus { kIsPlus, kIsBlank };
bool decode_percent(std::string_view text, Plus plus, std::string& out);

/// One target; its memory is reused by parse(). Not copyable, because it hands out views of itself.
class Target {
 public:
  Target() = default;
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  /// False when it is neither "/path[?query]" nor "http://authority/path[?query]". `target` must outlive this.
  bool parse(std::string_view target);

  [[nodiscard]] std::string_view path() const { return path_; }
  [[nodiscard]] std::span<const QueryParameter> parameters() const { return parameters_; }

  /// Decodes one segment of the path into memory that stays valid until the next parse().
  QueryParameter decode_segment(std::string_view name, std::string_view segment);

 private:
  QueryParameter decode_pair(std::string_view name, std::string_view value, Plus plus);

  std::string_view path_;
  std::vector<QueryParameter> parameters_;
  std::string decoded_;  ///< never grows past the capacity reserved by parse(), so that views stay valid
};

}  // namespace lodestone::http
