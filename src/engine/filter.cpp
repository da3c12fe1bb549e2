#include "engine/filter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/nearest.hpp"


namespace lodestone::engine {
namespace {

enum class Type : std::uint8_t { kInteger, kNumber, kText, kTags, kTime, kFlag };

struct FieldName {
  std::string_view name;
  Type type;
};

// In the order of Filter::Field.
constexpr std::array<FieldName, 13> kFields = {{{"item_id", Type::kInteger},
                                                {"title", Type::kText},
                                                {"description", Type::kText},
                                                {"tags", Type::kTags},
                                                {"category", Type::kText},
                                                {"company", Type::kText},
                                                {"price", Type::kNumber},
                                                {"cover_image", Type::kText},
                                                {"data_format", Type::kText},
                                                {"records", Type::kNumber},
                                                {"created_at", Type::kTime},
                                                {"updated_at", Type::kTime},
                                                {"is_available", Type::kFlag}}};

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

/// True when `part` stands in `whole`, ASCII letters of either case.
bool contains(std::string_view whole, std::string_view part) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::search(whole.begin(), whole.end(), part.begin(), part.end(), [&](char a, char b) { return lower(a) == lower(b); }) != whole.end();
}

}  // namespace

/// Recursive descent: or := and {"or" and}; and := not {"and" not}; not := "not" not | "(" or ")" | comparison.
class FilterParser {
 public:
  explicit FilterParser(std::string_view text) : text_(text) {}

  Filter run() {
    if (text_.size() > Filter::kMaxLength) {
      fail(ErrorCode::kInvalidArgument, "filter has {} bytes, at most {} are allowed", text_.size(), Filter::kMaxLength);
    }
    filter_.root_ = parse_or();
    skip_blanks();
    if (at_ < text_.size()) expected("and, or, or the end");
    return std::move(filter_);
  }

 private:
  using Node = Filter::Node;

  [[noreturn]] void expected(std::string_view what) {
    skip_blanks();
    if (at_ >= text_.size()) fail(ErrorCode::kInvalidArgument, "filter ends at position {} where {} is expected", at_ + 1, what);
    std::size_t end = at_ + 1;
    while (is_word(text_[at_]) && end < text_.size() && is_word(text_[end])) ++end;
    fail(ErrorCode::kInvalidArgument, "filter has \"{}\" at position {} where {} is expected", text_.substr(at_, end - at_), at_ + 1, what);
  }

  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
  }

  /// Takes the word if it stands here as a whole word.
  bool take_word(std::string_view word) {
    skip_blanks();
    if (!text_.substr(at_).starts_with(word)) return false;
    const std::size_t end = at_ + word.size();
    if (end < text_.size() && is_word(text_[end])) return false;
    at_ = end;
    return true;
  }

  bool take(std::string_view symbol) {
    skip_blanks();
    if (!text_.substr(at_).starts_with(symbol)) return false;
    at_ += symbol.size();
    return true;
  }

  std::uint32_t add(const Node& node) {
    filter_.nodes_.push_back(node);
    return static_cast<std::uint32_t>(filter_.nodes_.size() - 1);
  }

  std::uint32_t join(Filter::Kind kind, std::uint32_t left, std::uint32_t right) {
    Node node;
    node.kind = kind;
    node.left = left;
    node.right = right;
    return add(node);
  }

  void enter() {
    if (++depth_ > Filter::kMaxDepth) fail(ErrorCode::kInvalidArgument, "filter nests deeper than {} at position {}", Filter::kMaxDepth, at_ + 1);
  }

  std::uint32_t parse_or() {
    enter();
    std::uint32_t left = parse_and();
    while (take_word("or")) left = join(Filter::Kind::kOr, left, parse_and());
    --depth_;
    return left;
  }

  std::uint32_t parse_and() {
    std::uint32_t left = parse_not();
    while (take_word("and")) left = join(Filter::Kind::kAnd, left, parse_not());
    return left;
  }

  std::uint32_t parse_not() {
    if (take_word("not")) {
      enter();
      const std::uint32_t child = parse_not();
      --depth_;
      return join(Filter::Kind::kNot, child, child);
    }
    if (take("(")) {
      const std::uint32_t inner = parse_or();
      if (!take(")")) expected("\")\"");
      return inner;
    }
    return parse_comparison();
  }

  std::uint32_t parse_comparison() {
    Node node;
    const Type type = parse_field(node);
    parse_operator(node, type);
    node.first_value = static_cast<std::uint32_t>(filter_.values_.size());
    if (node.op == Filter::Operator::kIn) {
      if (!take("(")) expected("\"(\" and a list of values");
      do {
        filter_.values_.push_back(parse_value(type));
      } while (take(","));
      if (!take(")")) expected("\",\" or \")\"");
    } else {
      filter_.values_.push_back(parse_value(type));
    }
    node.n_values = static_cast<std::uint32_t>(filter_.values_.size()) - node.first_value;
    return add(node);
  }

  Type parse_field(Node& node) {
    skip_blanks();
    std::size_t end = at_;
    while (end < text_.size() && is_word(text_[end])) ++end;
    const std::string_view word = text_.substr(at_, end - at_);
    for (std::size_t i = 0; i < kFields.size(); ++i) {
      if (kFields[i].name != word) continue;
      at_ = end;
      node.field = static_cast<Filter::Field>(i);
      return kFields[i].type;
    }
    if (word.empty()) expected("a field, \"not\" or \"(\"");
    std::vector<std::string> names;
    for (const FieldName& field : kFields) names.emplace_back(field.name);
    std::string hint = suggest(word, names);
    if (hint.empty()) hint = fmt::format("; fields are {}", fmt::join(names, ", "));
    fail(ErrorCode::kInvalidArgument, "filter has unknown field \"{}\" at position {}{}", word, at_ + 1, hint);
  }

  void parse_operator(Node& node, Type type) {
    using Op = Filter::Operator;
    skip_blanks();
    const std::size_t position = at_;
    if (take("!=")) {
      node.op = Op::kNotEqual;
    } else if (take("<=")) {
      node.op = Op::kLessEqual;
    } else if (take(">=")) {
      node.op = Op::kGreaterEqual;
    } else if (take("<")) {
      node.op = Op::kLess;
    } else if (take(">")) {
      node.op = Op::kGreater;
    } else if (take("=")) {
      node.op = Op::kEqual;
    } else if (take_word("in")) {
      node.op = Op::kIn;
    } else if (take_word("has")) {
      node.op = Op::kHas;
    } else {
      expected("one of = != < <= > >= in has");
    }
    const bool ordered = node.op == Op::kLess || node.op == Op::kLessEqual || node.op == Op::kGreater || node.op == Op::kGreaterEqual;
    const bool textual = type == Type::kText || type == Type::kTags;
    if ((type == Type::kTags && node.op != Op::kHas) || (type == Type::kFlag && (ordered || node.op == Op::kIn)) ||
        (!textual && node.op == Op::kHas)) {
      fail(ErrorCode::kInvalidArgument, "filter: field {} takes no operator \"{}\" (position {}){}", kFields[static_cast<std::size_t>(node.field)].name,
           text_.substr(position, at_ - position), position + 1, type == Type::kTags ? "; ask tags has \"x\"" : "");
    }
  }

  Filter::Value parse_value(Type type) {
    Filter::Value value;
    skip_blanks();
    const std::size_t position = at_;
    switch (type) {
      case Type::kText:
      case Type::kTags: value.text = parse_quoted("a text in double quotes"); return value;
      case Type::kFlag:
        if (take_word("true")) {
          value.number = 1;
        } else if (!take_word("false")) {
          expected("true or false");
        }
        return value;
      case Type::kTime: {
        const std::string text = parse_quoted("a time in double quotes");
        const auto time = parse_time(text);
        if (!time) fail(ErrorCode::kInvalidArgument, "filter has \"{}\" at position {} where an RFC 3339 time is expected", text, position + 1);
        value.integer = time->time_since_epoch().count();
        return value;
      }
      case Type::kInteger:
      case Type::kNumber: break;
    }
    const char* end = text_.data() + text_.size();
    if (type == Type::kInteger) {
      const auto result = std::from_chars(text_.data() + at_, end, value.integer);
      if (result.ec != std::errc()) expected("a whole number");
      at_ = static_cast<std::size_t>(result.ptr - text_.data());
    } else {
      const auto result = std::from_chars(text_.data() + at_, end, value.number);
      if (result.ec != std::errc() || !std::isfinite(value.number)) expected("a number");
      at_ = static_cast<std::size_t>(result.ptr - text_.data());
    }
    return value;
  }

  /// "..." with \" and \\ inside.
  std::string parse_quoted(std::string_view what) {
    if (!take("\"")) expected(what);
    std::string out;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\') ++at_;
      if (at_ < text_.size()) out += text_[at_++];
    }
    if (at_ >= text_.size()) fail(ErrorCode::kInvalidArgument, "filter ends at position {} inside a text; a closing \" is expected", text_.size() + 1);
    ++at_;
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  Filter filter_;
};

Filter Filter::parse(std::string_view text) { return FilterParser(text).run(); }

bool Filter::eval(std::uint32_t node, const models::Catalog& catalog, ItemIndex item) const {
  const Node& n = nodes_[node];
  switch (n.kind) {
    case Kind::kAnd: return eval(n.left, catalog, item) && eval(n.right, catalog, item);
    case Kind::kOr: return eval(n.left, catalog, item) || eval(n.right, catalog, item);
    case Kind::kNot: return !eval(n.left, catalog, item);
    case Kind::kCompare: return compare(n, catalog, item);
  }
  return false;
}

namespace {

/// -1, 0, 1.
template <typename T>
int order(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

}  // namespace

bool Filter::compare(const Node& node, const models::Catalog& catalog, ItemIndex item) const {
  const auto by_order = [&](auto found, auto member) {
    const auto holds = [&](const Value& value) {
      const int o = order(found, value.*member);
      switch (node.op) {
        case Operator::kEqual:
        case Operator::kIn: return o == 0;
        case Operator::kNotEqual: return o != 0;
        case Operator::kLess: return o < 0;
        case Operator::kLessEqual: return o <= 0;
        case Operator::kGreater: return o > 0;
        case Operator::kGreaterEqual: return o >= 0;
        case Operator::kHas: return false;
      }
      return false;
    };
    const auto begin = values_.begin() + node.first_value;
    return std::any_of(begin, begin + node.n_values, holds);
  };
  const auto by_number = [&](double found) { return !std::isnan(found) && by_order(found, &Value::number); };
  const auto by_time = [&](std::int64_t found) { return found != models::Item::kNoTime && by_order(found, &Value::integer); };
  switch (node.field) {
    case Field::kItemId: return by_order(raw(catalog.id(item)), &Value::integer);
    case Field::kTitle: return compare_text(node, catalog.title(item));
    case Field::kDescription: return compare_text(node, catalog.description(item));
    case Field::kTags: return compare_tags(node, catalog, item);
    case Field::kCategory: return compare_text(node, catalog.category(item));
    case Field::kCompany: return compare_text(node, catalog.company(item));
    case Field::kPrice: return by_number(catalog.price(item));
    case Field::kCoverImage: return compare_text(node, catalog.cover_image(item));
    case Field::kDataFormat: return compare_text(node, catalog.data_format(item));
    case Field::kRecords: return by_number(catalog.records(item));
    case Field::kCreatedAt: return by_time(catalog.created_at(item));
    case Field::kUpdatedAt: return by_time(catalog.updated_at(item));
    case Field::kIsAvailable: return by_number(catalog.is_available(item) ? 1 : 0);
  }
  return false;
}

bool Filter::compare_text(const Node& node, std::string_view found) const {
  if (found.empty()) return false;
  for (std::uint32_t i = 0; i < node.n_values; ++i) {
    const std::string_view wanted = values_[node.first_value + i].text;
    const int o = order(found, wanted);
    switch (node.op) {
      case Operator::kIn:
        if (o == 0) return true;
        break;
      case Operator::kEqual: return o == 0;
      case Operator::kNotEqual: return o != 0;
      case Operator::kLess: return o < 0;
      case Operator::kLessEqual: return o <= 0;
      case Operator::kGreater: return o > 0;
      case Operator::kGreaterEqual: return o >= 0;
      case Operator::kHas: return contains(found, wanted);
    }
  }
  return false;
}

bool Filter::compare_tags(const Node& node, const models::Catalog& catalog, ItemIndex item) const {
  const std::string_view wanted = values_[node.first_value].text;
  const auto tags = catalog.tags(item);
  return std::any_of(tags.begin(), tags.end(), [&](std::int32_t tag) { return catalog.tag_name(tag) == wanted; });
}

}  // namespace lodestone::engine
