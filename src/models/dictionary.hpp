#pragma once
// The different texts of one column, numbered; items hold the number. A comparison with a text becomes one search and then a comparison
// of numbers.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/tensor_file.hpp"

namespace lodestone::models {

/// A view over a mapped file; const, safe from many threads.
class Dictionary {
 public:
  Dictionary() = default;
  /// Arrays `NAME.offsets`, `NAME.bytes` and `NAME.order`, the numbers in ascending order of their texts. Throws corrupt when they
  /// do not fit each other or a text occurs twice.
  Dictionary(const TensorFile& file, const std::string& name);

  [[nodiscard]] std::size_t size() const { return texts_.size(); }
  [[nodiscard]] std::string_view operator[](std::int32_t number) const { return texts_[static_cast<std::size_t>(number)]; }
  /// Binary search; nothing when no item has the text.
  [[nodiscard]] std::optional<std::int32_t> find(std::string_view text) const;

 private:
  TextList texts_;
  std::span<const std::int32_t> order_;
};

}  // namespace lodestone::models
