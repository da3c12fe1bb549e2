#pragma once
// The `filter` parameter: comparisons over the fields of items, joined by and, or, not and parentheses (docs/filter.md).
//
//   price<=10 and category in ("weather","air") and not company="x"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "models/catalog.hpp"

namespace lodestone::engine {

/// A parsed filter. Const after parse(), safe from many threads.
///
/// A comparison with a value that the item lacks (no price, no time, empty text) is false, `!=` too; `not` turns the truth of what
/// follows around, so `not price<=10` holds for an item without a price.
class Filter {
 public:
  static constexpr std::size_t kMaxLength = 2000;
  static constexpr std::size_t kMaxDepth = 32;
  static constexpr std::size_t kMaxComparisons = 64;
  static constexpr std::size_t kMaxTextSearches = 8;  ///< comparisons by `has` with texts, which read them whole

  /// Throws invalid_argument naming the position (from 1, in bytes), what stands there and what was expected.
  static Filter parse(std::string_view text);

  /// What both accept. May have more comparisons than parse() takes.
  static Filter both(const Filter& first, const Filter& second);

 private:
  friend class FilterParser;
  friend class BoundFilter;

  enum class Field : std::uint8_t {
    kItemId,
    kTitle,
    kDescription,
    kTags,
    kCategory,
    kCompany,
    kPrice,
    kCoverImage,
    kDataFormat,
    kRecords,
    kCreatedAt,
    kUpdatedAt,
    kIsAvailable
  };
  enum class Operator : std::uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kIn, kHas };

  struct Value {
    double number = 0;         // of numbers and flags
    std::int64_t integer = 0;  // of item_id and times: exact
    std::string text;
  };
  /// One comparison, and where its outcome leads: and, or and not are jumps, so that evaluation needs no stack.
  struct Comparison {
    Field field = Field::kItemId;
    Operator op = Operator::kEqual;
    std::uint32_t first_value = 0;
    std::uint32_t n_values = 0;
    std::uint32_t when_true = 0;
    std::uint32_t when_false = 0;
  };
  // Targets beyond every comparison: the outcome of the whole.
  static constexpr std::uint32_t kAccept = UINT32_MAX;
  static constexpr std::uint32_t kReject = UINT32_MAX - 1;

  std::vector<Comparison> comparisons_;
  std::vector<Value> values_;
};

/// A filter bound to one catalogue: texts of category, company, data_format and tags have become numbers. Both must outlive it. Reused by
/// the requests of one thread; binding allocates only while it grows, matching never.
class BoundFilter {
 public:
  void bind(const Filter& filter, const models::Catalog& catalog);
  [[nodiscard]] bool matches(ItemIndex item) const;

 private:
  /// Whether a comparison holds for a value that stands so to the wanted one: -1 before, 0 equal, 1 behind.
  [[nodiscard]] static bool holds(Filter::Operator op, int order);
  [[nodiscard]] bool compare(const Filter::Comparison& comparison, ItemIndex item) const;
  [[nodiscard]] bool compare_text(const Filter::Comparison& comparison, std::string_view found) const;
  [[nodiscard]] bool compare_coded(const Filter::Comparison& comparison, std::int32_t number, std::string_view name) const;
  [[nodiscard]] bool has_tag(const Filter::Comparison& comparison, ItemIndex item) const;

  const Filter* filter_ = nullptr;
  const models::Catalog* catalog_ = nullptr;
  std::vector<std::int32_t> numbers_;  // beside filter.values_: place of the text in its dictionary, -1 when it is not there
};

}  // namespace lodestone::engine
