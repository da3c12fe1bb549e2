#include "engine/filter.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace lodestone::engine {
namespace {

/// -1, 0, 1.
template <typename T>
int order(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_ignoring_case(const char* a, const char* b, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

/// True when `part` stands in `whole`, ASCII letters of either case. Places where the first and the last byte fit are found 32 at a time
/// (the loop without an exit becomes vector code), as in "SIMD-friendly algorithms for substring searching" (Mula 2016).
bool contains(std::string_view whole, std::string_view part) {
  if (part.empty()) return true;
  if (part.size() > whole.size()) return false;
  constexpr std::size_t kBlock = 32;
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  const char first = lower(part.front());
  const char first_upper = upper(first);
  const char last = lower(part.back());
  const char last_upper = upper(last);
  const char* text = whole.data();
  const std::size_t n_starts = whole.size() - part.size() + 1;
  const auto fits = [&](std::size_t i) {
    const char a = text[i];
    const char b = text[i + part.size() - 1];
    return ((a == first) | (a == first_upper)) & ((b == last) | (b == last_upper));
  };
  const auto search = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      if (fits(i) != 0 && equal_ignoring_case(text + i, part.data(), part.size())) return true;
    }
    return false;
  };
  std::size_t i = 0;
  for (; i + kBlock <= n_starts; i += kBlock) {
    int any = 0;
    for (std::size_t j = 0; j < kBlock; ++j) any |= fits(i + j);
    if (any != 0 && search(i, i + kBlock)) return true;
  }
  return search(i, n_starts);
}

}  // namespace

Filter Filter::both(const Filter& first, const Filter& second) {
  Filter out = first;
  const auto n_comparisons = static_cast<std::uint32_t>(first.comparisons_.size());
  const auto n_values = static_cast<std::uint32_t>(first.values_.size());
  for (Comparison& comparison : out.comparisons_) {  // what the first accepts goes on to the second
    if (comparison.when_true == kAccept) comparison.when_true = n_comparisons;
    if (comparison.when_false == kAccept) comparison.when_false = n_comparisons;
  }
  const auto moved = [n_comparisons](std::uint32_t target) {
    return target == kAccept || target == kReject ? target : target + n_comparisons;
  };
  for (Comparison comparison : second.comparisons_) {
    comparison.first_value += n_values;
    comparison.when_true = moved(comparison.when_true);
    comparison.when_false = moved(comparison.when_false);
    out.comparisons_.push_back(comparison);
  }
  out.values_.insert(out.values_.end(), second.values_.begin(), second.values_.end());
  return out;
}

void BoundFilter::bind(const Filter& filter, const models::Catalog& catalog) {
  filter_ = &filter;
  catalog_ = &catalog;
  numbers_.assign(filter.values_.size(), -1);
  for (const Filter::Comparison& comparison : filter.comparisons_) {
    const models::Dictionary* names = nullptr;
    switch (comparison.field) {
      case Filter::Field::kTags: names = &catalog.tag_names(); break;
      case Filter::Field::kCategory: names = &catalog.categories(); break;
      case Filter::Field::kCompany: names = &catalog.companies(); break;
      case Filter::Field::kDataFormat: names = &catalog.data_formats(); break;
      default: continue;
    }
    for (std::uint32_t i = 0; i < comparison.n_values; ++i) {
      const std::uint32_t place = comparison.first_value + i;
      numbers_[place] = names->find(filter.values_[place].text).value_or(-1);
    }
  }
}

bool BoundFilter::matches(ItemIndex item) const {
  std::uint32_t at = 0;
  while (at < filter_->comparisons_.size()) {
    const Filter::Comparison& comparison = filter_->comparisons_[at];
    at = compare(comparison, item) ? comparison.when_true : comparison.when_false;  // always forward, so this ends
  }
  return at == Filter::kAccept;
}

bool BoundFilter::compare(const Filter::Comparison& comparison, ItemIndex item) const {
  using Field = Filter::Field;
  using Value = Filter::Value;
  const auto by_order = [&](auto found, auto member) {
    const auto begin = filter_->values_.begin() + comparison.first_value;
    return std::any_of(begin, begin + comparison.n_values,
                       [&](const Value& value) { return holds(comparison.op, order(found, value.*member)); });
  };
  const auto by_number = [&](double found) { return !std::isnan(found) && by_order(found, &Value::number); };
  const auto by_time = [&](std::int64_t found) { return found != models::Item::kNoTime && by_order(found, &Value::integer); };
  switch (comparison.field) {
    case Field::kItemId: return by_order(raw(catalog_->id(item)), &Value::integer);
    case Field::kTitle: return compare_text(comparison, catalog_->title(item));
    case Field::kDescription: return compare_text(comparison, catalog_->description(item));
    case Field::kTags: return has_tag(comparison, item);
    case Field::kCategory: return compare_coded(comparison, catalog_->category_number(item), catalog_->category(item));
    case Field::kCompany: return compare_coded(comparison, catalog_->company_number(item), catalog_->company(item));
    case Field::kPrice: return by_number(catalog_->price(item));
    case Field::kCoverImage: return compare_text(comparison, catalog_->cover_image(item));
    case Field::kDataFormat: return compare_coded(comparison, catalog_->data_format_number(item), catalog_->data_format(item));
    case Field::kRecords: return by_number(catalog_->records(item));
    case Field::kCreatedAt: return by_time(catalog_->created_at(item));
    case Field::kUpdatedAt: return by_time(catalog_->updated_at(item));
    case Field::kIsAvailable: return by_number(catalog_->is_available(item) ? 1 : 0);
  }
  return false;
}

bool BoundFilter::holds(Filter::Operator op, int order) {
  switch (op) {
    case Filter::Operator::kEqual:
    case Filter::Operator::kIn: return order == 0;
    case Filter::Operator::kNotEqual: return order != 0;
    case Filter::Operator::kLess: return order < 0;
    case Filter::Operator::kLessEqual: return order <= 0;
    case Filter::Operator::kGreater: return order > 0;
    case Filter::Operator::kGreaterEqual: return order >= 0;
    case Filter::Operator::kHas: return false;  // a question of its own
  }
  return false;
}

bool BoundFilter::compare_text(const Filter::Comparison& comparison, std::string_view found) const {
  if (found.empty()) return false;
  for (std::uint32_t i = 0; i < comparison.n_values; ++i) {
    const std::string_view wanted = filter_->values_[comparison.first_value + i].text;
    if (comparison.op == Filter::Operator::kHas ? contains(found, wanted) : holds(comparison.op, order(found, wanted)))
      return true;
  }
  return false;
}

bool BoundFilter::compare_coded(const Filter::Comparison& comparison, std::int32_t number, std::string_view name) const {
  if (name.empty()) return false;
  const auto begin = numbers_.begin() + comparison.first_value;
  switch (comparison.op) {
    case Filter::Operator::kEqual:
    case Filter::Operator::kIn: return std::find(begin, begin + comparison.n_values, number) != begin + comparison.n_values;
    case Filter::Operator::kNotEqual: return *begin != number;
    default: return compare_text(comparison, name);
  }
}

bool BoundFilter::has_tag(const Filter::Comparison& comparison, ItemIndex item) const {
  const auto tags = catalog_->tags(item);
  return std::find(tags.begin(), tags.end(), numbers_[comparison.first_value]) != tags.end();
}

}  // namespace lodestone::engine
