#include "http/response_parser.hpp"

#include <algorithm>
#include <charconv>

namespace lodestone::http {
namespace {

bool is_same(std::string_view text, std::string_view lower_case) {
  return std::ranges::equal(text, lower_case, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool to_size(std::string_view text, int base, std::size_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

}  // namespace

void ResponseParser::begin() {
  const Limits limits = limits_;
  *this = ResponseParser(limits);
}

ResponseParser::State ResponseParser::broken(std::string_view problem) {
  problem_ = problem;
  part_ = Part::kBroken;
  return State::kBroken;
}

ResponseParser::State ResponseParser::feed(std::string_view bytes) {
  if (part_ == Part::kBroken) return State::kBroken;
  has_started_ = has_started_ || !bytes.empty();
  while (!bytes.empty()) {
    if (part_ == Part::kDone) return broken("there is more than was asked for");
    const bool is_body = part_ == Part::kSized || part_ == Part::kToEnd || part_ == Part::kChunk;
    if (is_body ? !take_body(bytes) : !take_line(bytes)) return State::kBroken;
  }
  return part_ == Part::kDone ? State::kDone : State::kNeedMore;
}

ResponseParser::State ResponseParser::end() {
  if (part_ == Part::kToEnd) part_ = Part::kDone;
  if (part_ == Part::kDone) return State::kDone;
  return part_ == Part::kBroken ? State::kBroken : broken("the connection ended inside the answer");
}

bool ResponseParser::take_line(std::string_view& bytes) {
  const std::size_t end = bytes.find('\n');
  const std::size_t n = end == std::string_view::npos ? bytes.size() : end + 1;
  head_bytes_ += n;
  if (head_bytes_ > limits_.head_bytes) return broken("its head is longer than this client takes"), false;
  line_.append(bytes.substr(0, n));
  bytes.remove_prefix(n);
  if (end == std::string_view::npos) return true;
  if (!line_.ends_with("\r\n")) return broken("a line does not end in CR LF"), false;
  line_.resize(line_.size() - 2);
  const bool good = read_line();
  line_.clear();
  return good;
}

bool ResponseParser::read_line() {
  switch (part_) {
    case Part::kStatus: return read_status();
    case Part::kField: return line_.empty() ? begin_body() : read_field();
    case Part::kChunkSize: return read_chunk_size();
    case Part::kChunkEnd:
      part_ = Part::kChunkSize;
      return line_.empty() || (broken("a chunk does not end where its length says"), false);
    default:
      if (line_.empty()) part_ = Part::kDone;  // the end of the trailer
      return true;
  }
}

bool ResponseParser::read_status() {
  const std::string_view line = line_;
  const bool is_new = line.starts_with("HTTP/1.1 ");
  std::size_t status = 0;
  if ((!is_new && !line.starts_with("HTTP/1.0 ")) || line.size() < 12 || !to_size(line.substr(9, 3), 10, status) || status < 100)
    return broken("it does not begin with a status of HTTP/1.1"), false;
  keep_alive_ = is_new;
  status_ = static_cast<int>(status);
  part_ = Part::kField;
  return true;
}

bool ResponseParser::read_field() {
  const std::string_view line = line_;
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return broken("a header field has no name"), false;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim(line.substr(colon + 1));
  if (is_same(name, "content-length")) {
    const std::size_t before = left_;
    if (!to_size(value, 10, left_) || (has_length_ && left_ != before)) return broken("its length is no number"), false;
    has_length_ = true;
  } else if (is_same(name, "transfer-encoding")) {
    if (!is_same(value, "chunked")) return broken("its transfer encoding is not chunked"), false;
    is_chunked_ = true;
  } else if (is_same(name, "connection")) {
    if (is_same(value, "close")) keep_alive_ = false;
  }
  return true;
}

bool ResponseParser::begin_body() {
  if (status_ < 200) {  // 100 Continue and the like come before the answer
    part_ = Part::kStatus;
    return true;
  }
  if (has_length_ && is_chunked_) return broken("it has a length and chunks"), false;
  if (has_length_ && left_ > limits_.body_bytes) return broken("its body is longer than this client takes"), false;
  if (status_ == 204 || status_ == 304) left_ = 0, has_length_ = true;
  if (is_chunked_) {
    part_ = Part::kChunkSize;
  } else if (has_length_) {
    part_ = left_ == 0 ? Part::kDone : Part::kSized;
  } else {
    part_ = Part::kToEnd;
    keep_alive_ = false;
  }
  return true;
}

bool ResponseParser::read_chunk_size() {
  const std::string_view digits = trim(std::string_view(line_).substr(0, line_.find(';')));
  if (!to_size(digits, 16, left_)) return broken("the length of a chunk is no number"), false;
  if (left_ > limits_.body_bytes - body_.size()) return broken("its body is longer than this client takes"), false;
  part_ = left_ == 0 ? Part::kTrailer : Part::kChunk;
  return true;
}

bool ResponseParser::take_body(std::string_view& bytes) {
  const std::size_t most = part_ == Part::kToEnd ? limits_.body_bytes - body_.size() : left_;
  const std::size_t n = std::min(most, bytes.size());
  if (part_ == Part::kToEnd && n < bytes.size()) return broken("its body is longer than this client takes"), false;
  body_.append(bytes.substr(0, n));
  bytes.remove_prefix(n);
  if (part_ == Part::kToEnd) return true;
  left_ -= n;
  if (left_ == 0) part_ = part_ == Part::kChunk ? Part::kChunkEnd : Part::kDone;
  return true;
}

}  // namespace lodestone::http
