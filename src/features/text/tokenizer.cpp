#include "features/text/tokenizer.hpp"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "features/text/code_points.hpp"
#include "features/text/markup.hpp"

namespace lodestone::features {
namespace {

constexpr std::size_t kMaxWord = 48;

/// Ascending, for binary search.
constexpr std::array<std::string_view, 33> kStopWords{"a",    "an",   "and",   "are",  "as",    "at",    "be",   "by", "for",
                                                      "from", "has",  "have",  "in",   "is",    "it",    "its",  "of", "on",
                                                      "or",   "our",  "that",  "the",  "their", "these", "this", "to", "was",
                                                      "we",   "were", "which", "will", "with",  "you"};
constexpr std::array<std::string_view, 20> kParticles{"的", "了", "和", "是", "在", "与", "及", "等", "为", "之",
                                                      "以", "或", "于", "被", "由", "该", "其", "并", "而", "也"};

enum class CharClass : std::uint8_t { kOther, kWord, kDigit, kCjk };

bool is_cjk(UChar32 c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3040 && c <= 0x30FF) || (c >= 0xAC00 && c <= 0xD7AF) ||
         (c >= 0x3400 && c <= 0x4DBF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF) || c == 0x3005;
}

CharClass class_of(UChar32 c) {
  if (c >= 0 && c < 0x80) {
    if (c >= '0' && c <= '9') return CharClass::kDigit;
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? CharClass::kWord : CharClass::kOther;
  }
  if (c < 0 || c == 0xFFFD) return CharClass::kOther;
  if (is_cjk(c)) return CharClass::kCjk;
  if (u_isdigit(c) != 0) return CharClass::kDigit;
  const auto mask = static_cast<std::uint32_t>(U_GET_GC_MASK(c));
  return (mask & (U_GC_L_MASK | U_GC_M_MASK | U_GC_NO_MASK | U_GC_NL_MASK)) != 0 ? CharClass::kWord : CharClass::kOther;
}

/// NFKC with case folding, appended. ASCII, the common case of long English descriptions, needs no tables.
void fold(std::string_view text, std::string& out) {
  if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; })) {
    const std::size_t begin = out.size();
    out += text;
    for (std::size_t i = begin; i < out.size(); ++i) {
      if (out[i] >= 'A' && out[i] <= 'Z') out[i] = static_cast<char>(out[i] - 'A' + 'a');
    }
    return;
  }
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = icu::Normalizer2::getNFKCCasefoldInstance(status);
  if (U_SUCCESS(status) != 0) {
    icu::StringByteSink<std::string> sink(&out);
    normalizer->normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())), sink, nullptr, status);
  }
  if (U_FAILURE(status) != 0)
    fail(ErrorCode::kInternal, "text cannot be normalised: {}; is ICU's data installed?", u_errorName(status));
}

/// Harman's S stemmer: ies -> y (not eies, aies), s -> nothing (not us, ss), which her es -> e is a case of. ASCII words of four letters on.
void stem(std::string& word) {
  if (word.size() < 4 || word.back() != 's' ||
      !std::all_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; }))
    return;
  const std::string_view w = word;
  if (w.ends_with("ies") && !w.ends_with("eies") && !w.ends_with("aies")) {
    word.resize(word.size() - 3);
    word += 'y';
  } else if (!w.ends_with("us") && !w.ends_with("ss")) {
    word.pop_back();
  }
}

struct Scratch {
  std::string plain;
  std::string folded;
  std::string word;
};

/// Walks over folded text and gives each token to `emit`.
template <typename Emit>
class Scanner {
 public:
  Scanner(std::string_view text, std::string& word, Emit& emit) : text_(text), word_(word), emit_(emit) {}

  void run() {
    word_.clear();
    while (at_ < text_.size()) {
      const std::size_t begin = at_;
      const UChar32 c = next();
      switch (class_of(c)) {
        case CharClass::kCjk:
          flush();
          cjk_run(begin);
          break;
        case CharClass::kWord:
        case CharClass::kDigit: word_.append(text_, begin, at_ - begin); break;
        case CharClass::kOther: separator(c); break;
      }
    }
    flush();
  }

 private:
  /// -1 for bytes that are no UTF-8.
  UChar32 next() { return static_cast<UChar32>(next_code_point(text_, at_)); }

  /// -1 at the end.
  [[nodiscard]] UChar32 peek() const {
    std::size_t at = at_;
    return at < text_.size() ? static_cast<UChar32>(next_code_point(text_, at)) : -1;
  }

  void separator(UChar32 c) {
    const bool in_number = !word_.empty() && word_.back() >= '0' && word_.back() <= '9' && class_of(peek()) == CharClass::kDigit;
    if (c == '.' && in_number) {
      word_ += '.';
    } else if (c == ',' && in_number) {
      // "1,024" and "1024" are one token
    } else if ((c == '\'' || c == 0x2019) && !word_.empty() && peek() == 's') {
      flush();
      const std::size_t before = at_;
      (void)next();
      if (class_of(peek()) != CharClass::kOther) at_ = before;  // "o'shea": the s starts a word
    } else {
      flush();
    }
  }

  void flush() {
    if (word_.empty()) return;
    if (word_.size() <= kMaxWord && !std::binary_search(kStopWords.begin(), kStopWords.end(), std::string_view(word_))) {
      stem(word_);
      emit_(std::string_view(word_));
    }
    word_.clear();
  }

  /// `begin` is the first character's place, at_ the place after it.
  void cjk_run(std::size_t begin) {
    std::size_t before = std::string_view::npos;  // the character before this one, if it pairs
    for (;;) {
      const std::string_view character = text_.substr(begin, at_ - begin);
      if (character == "的") {
        before = std::string_view::npos;
      } else {
        if (before != std::string_view::npos) emit_(text_.substr(before, at_ - before));
        if (std::find(kParticles.begin(), kParticles.end(), character) == kParticles.end()) emit_(character);
        before = begin;
      }
      begin = at_;
      if (class_of(peek()) != CharClass::kCjk) return;
      (void)next();
    }
  }

  std::string_view text_;
  std::string& word_;
  Emit& emit_;
  std::size_t at_ = 0;
};

template <typename Emit>
void scan(std::string_view text, Emit emit) {
  // ICU counts in int32; a text beyond that is no description.
  text = text.substr(0, 1U << 28U);
  thread_local Scratch scratch;
  scratch.plain.clear();
  scratch.folded.clear();
  strip_markup(text, scratch.plain);
  fold(scratch.plain, scratch.folded);
  Scanner<Emit>(scratch.folded, scratch.word, emit).run();
}

}  // namespace

void tokenize(std::string_view text, std::vector<std::uint64_t>& out) {
  scan(text, [&out](std::string_view token) { out.push_back(xxh3(token)); });
}

std::vector<std::string> token_texts(std::string_view text) {
  std::vector<std::string> out;
  scan(text, [&out](std::string_view token) { out.emplace_back(token); });
  return out;
}

}  // namespace lodestone::features
