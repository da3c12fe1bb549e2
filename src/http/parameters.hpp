#pragma once
// Typed, strict reading of a request's parameters. Whatever does not fit throws ParameterError, a 422 that names the parameter, what
// was given and what is expected.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace lodestone::http {

class Parameters {
 public:
  /// Refuses names that are not in `known` (naming the nearest), repeated names and text that is no UTF-8. `request` must outlive this.
  Parameters(const Request& request, std::span<const std::string_view> known);

  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  /// An integer in [min, max].
  [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t fallback, std::int64_t min, std::int64_t max) const;
  /// "true" or "false".
  [[nodiscard]] bool flag(std::string_view name) const;
  /// One of `choices`; returns its number.
  [[nodiscard]] std::size_t choice(std::string_view name, std::size_t fallback, std::span<const std::string_view> choices) const;
  /// A 64-bit id, none when it is not given.
  [[nodiscard]] std::optional<std::int64_t> id(std::string_view name) const;
  /// Ids parted by commas, at most `most`, into `out`; an empty value gives none.
  void ids(std::string_view name, std::size_t most, std::vector<std::int64_t>& out) const;

 private:
  const Request* request_;
};

/// The `number`-th parameter of the path as a 64-bit id.
std::int64_t path_id(const Request& request, std::size_t number);

}  // namespace lodestone::http
