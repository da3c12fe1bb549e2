#pragma once
// The `filter` parameter: comparisons over the fields of items, joined by and, or, not and parentheses (docs/filter.md).
//
//   price<=10 and category in ("weather","air") and not company="x"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "models/catalog.hpp"

namespace lodestone::engine {

/// A parsed filter. Const after parse(), safe from many threads; matches() allocates nothing.
///
/// A comparison with a value that the item lacks (no price, no time, empty text) is false, `!=` too; `not` turns the truth of what
/// follows around, so `not price<=10` holds for an item without a price.
class Filter {
 public:
  static constexpr std::size_t kMaxLength = 2000;
  static constexpr std::size_t kMaxDepth = 32;

  /// Throws invalid_argument naming the position (from 1, in bytes), what stands there and what was expected.
  static Filter parse(std::string_view text);

  [[nodiscard]] bool matches(const models::Catalog& catalog, ItemIndex item) const { return eval(root_, catalog, item); }

 private:
  friend class FilterParser;

  enum class Field : std::uint8_t {
    kItemId, kTitle, kDescription, kTags, kCategory, kCompany, kPrice, kCoverImage, kDataFormat, kRecords, kCreatedAt, kUpdatedAt, kIsAvailable
  };
  enum class Operator : std::uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kIn, kHas };
  enum class Kind : std::uint8_t { kAnd, kOr, kNot, kCompare };

  /// One node; children and values are ranges of the arrays below.
  struct Node {
    Kind kind = Kind::kCompare;
    Field field = Field::kItemId;
    Operator op = Operator::kEqual;
    std::uint32_t left = 0;   // child of kNot; first child of kAnd and kOr
    std::uint32_t right = 0;  // second child
    std::uint32_t first_value = 0;
    std::uint32_t n_values = 0;
  };
  struct Value {
    double number = 0;         // of numbers and flags
    std::int64_t integer = 0;  // of item_id and times: exact
    std::string text;
  };

  [[nodiscard]] bool eval(std::uint32_t node, const models::Catalog& catalog, ItemIndex item) const;
  [[nodiscard]] bool compare(const Node& node, const models::Catalog& catalog, ItemIndex item) const;
  [[nodiscard]] bool compare_text(const Node& node, std::string_view found) const;
  [[nodiscard]] bool compare_tags(const Node& node, const models::Catalog& catalog, ItemIndex item) const;

  std::vector<Node> nodes_;
  std::vector<Value> values_;
  std::uint32_t root_ = 0;
};

}  // namespace lodestone::engine
