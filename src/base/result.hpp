#pragma once
// Result<T>: a value or a short reason why there is none, for outcomes that are expected on a good day (g++ 12 has no
// std::expected). Failures throw Error instead.

#include <string>
#include <utility>
#include <variant>

#include "base/error.hpp"

namespace lodestone {

/// The reason a Result has no value.
struct Reason {
  std::string text;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}         // NOLINT(*-explicit-*): reads as a return
  Result(Reason reason) : state_(std::in_place_index<1>, std::move(reason)) {}  // NOLINT(*-explicit-*)

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  /// Requires has_value(); anything else is a bug.
  [[nodiscard]] const T& value() const& {
    LODESTONE_ASSERT(has_value(), "Result has no value: {}", std::get<1>(state_).text);
    return std::get<0>(state_);
  }
  [[nodiscard]] T value() && {
    LODESTONE_ASSERT(has_value(), "Result has no value: {}", std::get<1>(state_).text);
    return std::get<0>(std::move(state_));
  }

  /// Requires !has_value().
  [[nodiscard]] const std::string& reason() const {
    LODESTONE_ASSERT(!has_value(), "Result has a value");
    return std::get<1>(state_).text;
  }

 private:
  std::variant<T, Reason> state_;
};

}  // namespace lodestone
