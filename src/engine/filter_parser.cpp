#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/nearest.hpp"
#include "engine/filter.hpp"

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

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

/// Recursive descent: or := and {"or" and}; and := not {"and" not}; not := "not" not | "(" or ")" | comparison. Code is made on the way:
/// an expression is entered at its first comparison, and its exits, the comparisons whose outcome decides it, wait for their target.
class FilterParser {
 public:
  explicit FilterParser(std::string_view text) : text_(text) {}

  Filter run() {
    if (text_.size() > Filter::kMaxLength) {
      fail(ErrorCode::kInvalidArgument, "filter has {} bytes, at most {} are allowed; ask for less", text_.size(),
           Filter::kMaxLength);
    }
    const Exits whole = parse_or();
    if (skip_blanks() < text_.size()) expected("and, or, or the end");
    lead(whole.when_true, Filter::kAccept);
    lead(whole.when_false, Filter::kReject);
    return std::move(filter_);
  }

 private:
  using Operator = Filter::Operator;

  /// One way out of an expression: a comparison and which of its two outcomes.
  struct Exit {
    std::uint32_t comparison;
    std::uint32_t Filter::Comparison::*outcome;
  };
  struct Exits {
    std::vector<Exit> when_true;
    std::vector<Exit> when_false;
  };

  [[nodiscard]] std::uint32_t here() const { return static_cast<std::uint32_t>(filter_.comparisons_.size()); }

  void lead(const std::vector<Exit>& exits, std::uint32_t target) {
    for (const Exit& exit : exits) filter_.comparisons_[exit.comparison].*exit.outcome = target;
  }

  static void append(std::vector<Exit>& to, const std::vector<Exit>& from) { to.insert(to.end(), from.begin(), from.end()); }

  [[noreturn]] void expected(std::string_view what) {
    if (skip_blanks() >= text_.size()) {
      fail(ErrorCode::kInvalidArgument, "filter ends at position {} where {} is expected", text_.size() + 1, what);
    }
    // The whole word, or the whole character: half of one would be no text.
    std::size_t end = at_ + 1;
    if (is_word(text_[at_])) {
      while (end < text_.size() && is_word(text_[end])) ++end;
    } else {
      while (end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xC0U) == 0x80U) ++end;
    }
    fail(ErrorCode::kInvalidArgument, "filter has '{}' at position {} where {} is expected", text_.substr(at_, end - at_),
         at_ + 1, what);
  }

  std::size_t skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    return at_;
  }

  /// Takes the word if it stands here as a whole word.
  bool take_word(std::string_view word) {
    skip_blanks();
    const std::size_t end = at_ + word.size();
    if (!text_.substr(at_).starts_with(word) || (end < text_.size() && is_word(text_[end]))) return false;
    at_ = end;
    return true;
  }

  bool take(std::string_view symbol) {
    if (!text_.substr(skip_blanks()).starts_with(symbol)) return false;
    at_ += symbol.size();
    return true;
  }

  void enter() {
    if (++depth_ > Filter::kMaxDepth) {
      fail(ErrorCode::kInvalidArgument, "filter nests deeper than {} at position {}; take some parentheses away",
           Filter::kMaxDepth, at_ + 1);
    }
  }

  Exits parse_or() {
    enter();
    Exits exits = parse_and();
    while (take_word("or")) {
      lead(exits.when_false, here());
      Exits right = parse_and();
      append(right.when_true, exits.when_true);
      exits = std::move(right);
    }
    --depth_;
    return exits;
  }

  Exits parse_and() {
    Exits exits = parse_not();
    while (take_word("and")) {
      lead(exits.when_true, here());
      Exits right = parse_not();
      append(right.when_false, exits.when_false);
      exits = std::move(right);
    }
    return exits;
  }

  Exits parse_not() {
    if (take_word("not")) {
      enter();
      Exits exits = parse_not();
      --depth_;
      std::swap(exits.when_true, exits.when_false);
      return exits;
    }
    if (take("(")) {
      Exits exits = parse_or();
      if (!take(")")) expected("and, or, or ')'");
      return exits;
    }
    return parse_comparison();
  }

  Exits parse_comparison() {
    Filter::Comparison comparison;
    const Type type = parse_field(comparison);
    parse_operator(comparison, type);
    comparison.first_value = static_cast<std::uint32_t>(filter_.values_.size());
    if (comparison.op == Operator::kIn) {
      if (!take("(")) expected("'(' and a list of values");
      do {
        filter_.values_.push_back(parse_value(type));
      } while (take(","));
      if (!take(")")) expected("',' or ')'");
    } else {
      filter_.values_.push_back(parse_value(type));
    }
    comparison.n_values = static_cast<std::uint32_t>(filter_.values_.size()) - comparison.first_value;
    limit_cost(comparison, type);
    const std::uint32_t place = here();
    filter_.comparisons_.push_back(comparison);
    return {{{place, &Filter::Comparison::when_true}}, {{place, &Filter::Comparison::when_false}}};
  }

  /// A filter may be asked of every item of the catalogue.
  void limit_cost(const Filter::Comparison& comparison, Type type) {
    if (type == Type::kText && comparison.op == Operator::kHas) ++n_text_searches_;
    if (filter_.comparisons_.size() >= Filter::kMaxComparisons) {
      fail(ErrorCode::kInvalidArgument, "filter has more than {} comparisons before position {}; use in (...) for several values",
           Filter::kMaxComparisons, at_ + 1);
    }
    if (n_text_searches_ > Filter::kMaxTextSearches) {
      fail(ErrorCode::kInvalidArgument,
           "filter searches texts by has more than {} times before position {}; compare tags or category",
           Filter::kMaxTextSearches, at_ + 1);
    }
  }

  Type parse_field(Filter::Comparison& comparison) {
    std::size_t end = skip_blanks();
    while (end < text_.size() && is_word(text_[end])) ++end;
    const std::string_view word = text_.substr(at_, end - at_);
    for (std::size_t i = 0; i < kFields.size(); ++i) {
      if (kFields[i].name != word) continue;
      at_ = end;
      comparison.field = static_cast<Filter::Field>(i);
      return kFields[i].type;
    }
    if (word.empty()) expected("a field, not or '('");
    std::vector<std::string> names;
    for (const FieldName& field : kFields) names.emplace_back(field.name);
    std::string hint = suggest(word, names);
    if (hint.empty()) hint = fmt::format("; fields are {}", fmt::join(names, ", "));
    fail(ErrorCode::kInvalidArgument, "filter has unknown field '{}' at position {}{}", word, at_ + 1, hint);
  }

  Operator take_operator() {
    // Two characters before one: "<=" is not "<".
    if (take("!=")) return Operator::kNotEqual;
    if (take("<=")) return Operator::kLessEqual;
    if (take(">=")) return Operator::kGreaterEqual;
    if (take("<")) return Operator::kLess;
    if (take(">")) return Operator::kGreater;
    if (take("=")) return Operator::kEqual;
    if (take_word("in")) return Operator::kIn;
    if (take_word("has")) return Operator::kHas;
    expected("one of = != < <= > >= in has");
  }

  void parse_operator(Filter::Comparison& comparison, Type type) {
    const std::size_t position = skip_blanks();
    comparison.op = take_operator();
    const std::string_view given = text_.substr(position, at_ - position);
    const std::string_view field = kFields[static_cast<std::size_t>(comparison.field)].name;
    const auto refuse = [&](std::string_view instead) {
      fail(ErrorCode::kInvalidArgument, "filter: field {} takes no '{}' (position {}); {}", field, given, position + 1, instead);
    };
    const bool exact = comparison.op == Operator::kEqual || comparison.op == Operator::kNotEqual;
    switch (type) {
      case Type::kTags:
        if (comparison.op != Operator::kHas) refuse("ask tags has \"x\"");
        break;
      case Type::kFlag:
        if (!exact) refuse("it takes = and != with true or false");
        break;
      case Type::kInteger:
      case Type::kNumber:
      case Type::kTime:
        if (comparison.op == Operator::kHas) refuse("it takes = != < <= > >= in");
        break;
      case Type::kText: break;
    }
  }

  Filter::Value parse_value(Type type) {
    Filter::Value value;
    const std::size_t position = skip_blanks();
    switch (type) {
      case Type::kText:
      case Type::kTags: value.text = parse_quoted("a text in double quotes"); break;
      case Type::kFlag:
        if (take_word("true")) {
          value.number = 1;
        } else if (!take_word("false")) {
          expected("true or false");
        }
        break;
      case Type::kTime: {
        const std::string text = parse_quoted("a time in double quotes");
        const auto time = parse_time(text);
        if (!time) {
          fail(ErrorCode::kInvalidArgument,
               "filter has \"{}\" at position {} where an RFC 3339 time is expected, like \"2026-11-24T09:30:00Z\"", text,
               position + 1);
        }
        value.integer = time->time_since_epoch().count();
        break;
      }
      case Type::kInteger: parse_number(value.integer, "a whole number"); break;
      case Type::kNumber: parse_number(value.number, "a number"); break;
    }
    return value;
  }

  template <typename T>
  void parse_number(T& value, std::string_view what) {
    const char* end = text_.data() + text_.size();
    const auto result = std::from_chars(text_.data() + at_, end, value);
    // "10x" is no number, and "inf" is none that a price can be compared with.
    if (result.ec != std::errc() || (result.ptr != end && (is_word(*result.ptr) || *result.ptr == '.'))) expected(what);
    if constexpr (std::is_floating_point_v<T>) {
      if (!std::isfinite(value)) expected(what);
    }
    at_ = static_cast<std::size_t>(result.ptr - text_.data());
  }

  /// "..." with \" and \\ inside.
  std::string parse_quoted(std::string_view what) {
    if (!take("\"")) expected(what);
    std::string out;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\') {
        const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '"';
        if (next != '"' && next != '\\') {
          fail(ErrorCode::kInvalidArgument, "filter has a backslash at position {} before neither \" nor \\; write \\\\ for one",
               at_ + 1);
        }
        ++at_;
      }
      if (at_ < text_.size()) out += text_[at_++];
    }
    if (at_ >= text_.size()) {
      fail(ErrorCode::kInvalidArgument, "filter ends at position {} inside a text; a closing \" is expected", text_.size() + 1);
    }
    ++at_;
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t n_text_searches_ = 0;
  Filter filter_;
};

Filter Filter::parse(std::string_view text) { return FilterParser(text).run(); }

}  // namespace lodestone::engine
