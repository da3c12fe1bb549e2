#include "features/text/segmenter.hpp"

#include <unicode/uchar.h>

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "features/text/code_points.hpp"

namespace lodestone::features {
namespace {

/// What a character is to the segmenter. kHan pairs freely; characters of one of the run kinds stay together.
enum Kind : std::uint8_t { kHan, kAlnum, kKana, kBlank, kDash, kOther };

/// Roles of a character: digits of either kind have their value, 十 is kTen, 百千万亿 kLarge; then the units of dates.
constexpr std::uint8_t kTen = 10;
constexpr std::uint8_t kLarge = 11;
constexpr std::uint8_t kYear = 20;
constexpr std::uint8_t kMonth = 21;
constexpr std::uint8_t kDay = 22;
constexpr std::uint8_t kHour = 23;
constexpr std::uint8_t kNoRole = 0xFF;
/// A longer piece without any mark is cut here, so that sums of costs fit 32 bits: 65,536 * 18 nats * 1024 < 2^32.
constexpr std::size_t kMaxPiece = 0xFFFF;
/// A date in Chinese digits costs as much as a word that is one in 22,000: dearer than a common word, cheaper than two rare ones.
constexpr std::uint32_t kDateCost = 10 * kCostUnit;

constexpr std::uint32_t kRoundZero = U'○';

Kind kind_of_ascii(std::uint32_t c) {
  if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) return kAlnum;
  if (c == ' ' || (c >= '\t' && c <= '\r')) return kBlank;
  return c == '-' || c == '.' ? kDash : kOther;
}

/// `c` is folded.
Kind kind_of(std::uint32_t c) {
  if (is_han(c)) return kHan;
  if (c < 0x80) return kind_of_ascii(c);
  if (c == kBadCodePoint) return kOther;
  if (c == 0x2014 || c == 0x2026 || c == 0x2500) return kDash;
  if (c >= 0x3040 && c <= 0x30FF && c != 0x30FB) return kKana;
  const auto ucs = static_cast<UChar32>(c);
  if (u_isUWhiteSpace(ucs) != 0) return kBlank;
  return u_isalnum(ucs) != 0 || (U_GET_GC_MASK(ucs) & U_GC_M_MASK) != 0 ? kAlnum : kOther;
}

std::uint8_t han_role(std::uint32_t c) {
  switch (c) {
    case U'〇':
    case U'零': return 0;
    case U'一': return 1;
    case U'二': return 2;
    case U'三': return 3;
    case U'四': return 4;
    case U'五': return 5;
    case U'六': return 6;
    case U'七': return 7;
    case U'八': return 8;
    case U'九': return 9;
    case U'十': return kTen;
    case U'百':
    case U'千':
    case U'万':
    case U'亿': return kLarge;
    case U'年': return kYear;
    case U'月': return kMonth;
    case U'日': return kDay;
    case U'时': return kHour;
    default: return kNoRole;
  }
}

/// Whether a mark is part of the number that it stands in: 3.5, 1,024, 12:30, 50%.
bool joins_number(std::uint32_t c, std::uint32_t after) {
  const bool before_digit = after >= '0' && after <= '9';
  return c == '%' || c == 0x2030 || ((c == '.' || c == ',' || c == ':') && before_digit);
}

/// Whether a number of so many digits and the unit after it can be a date together.
bool is_date(std::uint32_t value, std::size_t n_digits, std::uint8_t unit) {
  switch (unit) {
    case kYear: return n_digits == 4;
    case kMonth: return value >= 1 && value <= 12;
    case kDay: return value >= 1 && value <= 31;
    case kHour: return value <= 24;
    default: return false;
  }
}

constexpr std::uint32_t kNoNumber = 9999;

/// 七, 十, 二十, 十七, 二十七; kNoNumber for others.
std::uint32_t small_number(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::size_t n) {
  if (n == 1 && a <= kTen) return a;
  if (n == 2 && a == kTen && b < kTen) return kTen + std::uint32_t{b};
  if (n == 2 && a < kTen && b == kTen) return std::uint32_t{a} * kTen;
  if (n == 3 && a < kTen && b == kTen && c < kTen) return std::uint32_t{a} * kTen + c;
  return kNoNumber;
}

/// Whether a word may begin at character i, or end before it: not between characters of one run.
template <typename Characters>
bool is_boundary(const Characters& characters, std::size_t i) {
  return i == 0 || i == characters.size() || characters[i].kind == kHan || characters[i].kind != characters[i - 1].kind;
}

}  // namespace

void Segmenter::segment(std::string_view text, SegmenterScratch& scratch, std::vector<WordSpan>& out) const {
  if (text.size() > std::numeric_limits<std::uint32_t>::max() - 1)
    fail(ErrorCode::kInvalidArgument, "a text of {} bytes cannot be cut into words; cut it into texts below 4 GiB", text.size());
  auto& characters = scratch.characters_;
  characters.clear();
  std::uint32_t mark = 0;  // the mark before this character, 0 = none
  for (std::size_t at = 0; at < text.size();) {
    const auto begin = static_cast<std::uint32_t>(at);
    const std::uint32_t c = fold_width_and_case(next_code_point(text, at));
    Kind kind = kind_of(c);
    const SegmenterScratch::Character* last = characters.empty() ? nullptr : &characters.back();
    std::uint8_t role = kind == kHan ? han_role(c) : (c >= '0' && c <= '9' ? static_cast<std::uint8_t>(c - '0') : kNoRole);
    if (kind >= kDash && last != nullptr && last->role <= kLarge) {
      std::size_t ahead = at;
      const std::uint32_t after = at < text.size() ? fold_width_and_case(next_code_point(text, ahead)) : 0;
      if (last->kind == kAlnum && joins_number(c, after)) kind = kAlnum;
      if (last->kind == kHan && c == kRoundZero) {
        kind = kHan;
        role = 0;
      }
    }
    if (kind <= kKana) {
      if (characters.size() >= kMaxPiece) cut(scratch, begin, out);
      characters.push_back({begin, dictionary_.code(c), static_cast<std::uint8_t>(kind), role});
      mark = 0;
      continue;
    }
    if (!characters.empty()) cut(scratch, begin, out);
    if (kind == kBlank) {
      mark = 0;
    } else if (kind == kDash && mark == c) {
      out.back().end = static_cast<std::uint32_t>(at);
    } else {
      out.push_back({begin, static_cast<std::uint32_t>(at), WordKind::kMark});
      mark = c;
    }
  }
  if (!characters.empty()) cut(scratch, static_cast<std::uint32_t>(text.size()), out);
}

void Segmenter::cut(SegmenterScratch& scratch, std::uint32_t end_offset, std::vector<WordSpan>& out) const {
  auto& characters = scratch.characters_;
  const std::size_t n = characters.size();
  scratch.cost_.assign(n + 1, SegmenterScratch::kUnreached);
  scratch.next_.assign(n + 1, 0);
  scratch.cost_[n] = 0;
  for (std::size_t i = n; i-- > 0;) {
    if (!is_boundary(characters, i)) continue;
    if (characters[i].kind == kHan) {
      scratch.offer(i, i + 1, dictionary_.unknown_cost());
      if (characters[i].role <= kLarge) offer_numerals(scratch, i);
    } else {
      offer_run(scratch, i);
    }
    offer_words(scratch, i);
  }
  for (std::size_t i = 0; i < n;) {
    const std::size_t next = scratch.next_[i];
    out.push_back({characters[i].offset, next < n ? characters[next].offset : end_offset, WordKind::kWord});
    i = next;
  }
  characters.clear();
}

void Segmenter::offer_words(SegmenterScratch& scratch, std::size_t begin) const {
  const auto& characters = scratch.characters_;
  std::uint32_t node = WordDictionary::kRoot;
  for (std::size_t i = begin; i < characters.size(); ++i) {
    node = dictionary_.step(node, characters[i].code);
    if (node == WordDictionary::kNoNode) return;
    const std::uint32_t cost = dictionary_.cost(node);
    if (cost != WordDictionary::kNoWord) scratch.offer(begin, i + 1, cost);
  }
}

void Segmenter::offer_run(SegmenterScratch& scratch, std::size_t begin) const {
  const auto& characters = scratch.characters_;
  const std::uint32_t cost = dictionary_.unknown_cost();
  std::size_t end = begin;
  std::uint32_t value = 0;
  do {
    value = characters[end].role <= 9 && value < kNoNumber ? value * 10 + characters[end].role : kNoNumber;
  } while (!is_boundary(characters, ++end));
  scratch.offer(begin, end, cost);
  if (end < characters.size() && value < kNoNumber && is_date(value, value < 1000 ? 0 : 4, characters[end].role))
    scratch.offer(begin, end + 1, cost);
}

void Segmenter::offer_numerals(SegmenterScratch& scratch, std::size_t begin) const {
  const auto& characters = scratch.characters_;
  const auto is_numeral = [&](std::size_t i) {
    return i < characters.size() && characters[i].kind == kHan && characters[i].role <= kLarge;
  };
  if (begin > 0 && is_numeral(begin - 1)) return;
  std::size_t end = begin;
  bool digits_alone = true;
  for (; is_numeral(end); ++end) digits_alone = digits_alone && characters[end].role < kTen;
  const std::size_t n = end - begin;
  if (n > 1) scratch.offer(begin, end, dictionary_.unknown_cost());
  if (end == characters.size() || characters[end].kind != kHan) return;
  const auto role = [&](std::size_t i) { return characters[std::min(begin + i, end - 1)].role; };
  const std::uint32_t value = small_number(role(0), role(1), role(2), n);
  const std::size_t n_digits = digits_alone ? n : 0;
  if (is_date(value, n_digits, characters[end].role)) scratch.offer(begin, end + 1, kDateCost);
}

}  // namespace lodestone::features
