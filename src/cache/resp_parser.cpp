#include "cache/resp_parser.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace lodestone::cache {
namespace {

/// All of the text as a number.
bool to_number(std::string_view text, std::int64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

}  // namespace

RespParser::State RespParser::broken(std::string_view problem) {
  problem_ = problem;
  return State::kBroken;
}

RespParser::State RespParser::too_large(std::string_view problem) {
  is_too_large_ = true;
  return broken(problem);
}

RespParser::Fed RespParser::feed(std::string_view bytes) {
  if (!problem_.empty()) return {State::kBroken, 0};
  std::size_t at = 0;
  while (at < bytes.size()) {
    State state = State::kNeedMore;
    if (is_in_bulk_) {
      const std::size_t n = std::min(bulk_left_, bytes.size() - at);
      bulk_.append(bytes.substr(at, n));
      at += n;
      bulk_left_ -= n;
      if (bulk_left_ > 0) break;
      if (!bulk_.ends_with("\r\n")) return {broken("a text does not end where its length says"), at};
      bulk_.resize(bulk_.size() - 2);
      is_in_bulk_ = false;
      state = add({.kind = RespValue::Kind::kText, .text = std::exchange(bulk_, {}), .items = {}});
    } else {
      const std::size_t end = bytes.find('\n', at);
      const std::size_t n = (end == std::string_view::npos ? bytes.size() : end + 1) - at;
      if (line_.size() + n > limits_.line_bytes) return {too_large("a line is too long"), at};
      line_.append(bytes.substr(at, n));
      at += n;
      if (end == std::string_view::npos) break;
      state = read_line();
      line_.clear();
    }
    if (state != State::kNeedMore) return {state, at};
  }
  return {State::kNeedMore, at};
}

RespParser::State RespParser::read_line() {
  if (line_.size() < 3 || line_[line_.size() - 2] != '\r') return broken("a line does not end in CR LF");
  const std::string_view rest = std::string_view(line_).substr(1, line_.size() - 3);
  std::int64_t number = 0;
  if (line_[0] == '+' || line_[0] == '-') n_bytes_ += rest.size();
  if (n_bytes_ > limits_.bytes) return too_large("a reply is longer than this client takes");
  switch (line_[0]) {
    case '+': return add({.kind = RespValue::Kind::kText, .text = std::string(rest), .items = {}});
    case '-': return add({.kind = RespValue::Kind::kError, .text = std::string(rest), .items = {}});
    case ':':
      if (!to_number(rest, number)) return broken("an integer is none");
      return add({.kind = RespValue::Kind::kInteger, .text = {}, .integer = number, .items = {}});
    case '$': return to_number(rest, number) ? begin_bulk(number) : broken("the length of a text is no number");
    case '*': return to_number(rest, number) ? begin_array(number) : broken("the length of an array is no number");
    default: return broken("a reply begins with none of + - : $ *");
  }
}

RespParser::State RespParser::begin_bulk(std::int64_t n) {
  if (n == -1) return add({});
  if (n < 0) return broken("the length of a text is no number");
  if (static_cast<std::uint64_t>(n) > limits_.bytes - std::min(limits_.bytes, n_bytes_))
    return too_large("a text is longer than this client takes");
  n_bytes_ += static_cast<std::size_t>(n);
  bulk_left_ = static_cast<std::size_t>(n) + 2;
  is_in_bulk_ = true;
  return State::kNeedMore;
}

RespParser::State RespParser::begin_array(std::int64_t n) {
  if (n == -1) return add({});
  if (n < 0) return broken("the length of an array is no number");
  if (static_cast<std::uint64_t>(n) > limits_.values) return too_large("an array is longer than this client takes");
  RespValue array{.kind = RespValue::Kind::kArray, .text = {}, .items = {}};
  if (n == 0) return add(std::move(array));
  if (stack_.size() >= limits_.depth) return too_large("arrays lie too deep in each other");
  stack_.push_back({std::move(array), static_cast<std::size_t>(n)});
  return State::kNeedMore;
}

RespParser::State RespParser::add(RespValue value) {
  if (++n_values_ > limits_.values) return too_large("a reply has more values than this client takes");
  while (!stack_.empty()) {
    Frame& frame = stack_.back();
    frame.array.items.push_back(std::move(value));
    if (--frame.left > 0) return State::kNeedMore;
    value = std::move(frame.array);
    ++n_values_;
    stack_.pop_back();
  }
  value_ = std::move(value);
  n_values_ = 0;
  n_bytes_ = 0;
  return State::kValue;
}

}  // namespace lodestone::cache
