#include "sources/binlog/text_converter.hpp"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

#include "base/error.hpp"

namespace lodestone::sources {
namespace {

struct Charset {
  std::string_view name;     // the server's
  const char* library_name;  // the C library's; null for UTF-8 and what passes as it is
  unsigned unit = 1;
};

// The server's sets (SHOW CHARACTER SET) but those that the C library lacks: dec8, swe7, keybcs2.
constexpr std::array kCharsets = {
    Charset{"", nullptr},
    Charset{"binary", nullptr},
    Charset{"utf8", nullptr},
    Charset{"utf8mb3", nullptr},
    Charset{"utf8mb4", nullptr},
    Charset{"ascii", "ASCII"},
    Charset{"armscii8", "ARMSCII-8"},
    Charset{"big5", "BIG5"},
    Charset{"cp1250", "CP1250"},
    Charset{"cp1251", "CP1251"},
    Charset{"cp1256", "CP1256"},
    Charset{"cp1257", "CP1257"},
    Charset{"cp850", "CP850"},
    Charset{"cp852", "CP852"},
    Charset{"cp866", "CP866"},
    Charset{"cp932", "CP932"},
    Charset{"eucjpms", "EUC-JP-MS"},
    Charset{"euckr", "EUC-KR"},
    Charset{"gb18030", "GB18030"},
    Charset{"gb2312", "GB2312"},
    Charset{"gbk", "GBK"},
    Charset{"geostd8", "GEORGIAN-PS"},
    Charset{"greek", "ISO-8859-7"},
    Charset{"hebrew", "ISO-8859-8"},
    Charset{"hp8", "HP-ROMAN8"},
    Charset{"koi8r", "KOI8-R"},
    Charset{"koi8u", "KOI8-U"},
    Charset{"latin2", "ISO-8859-2"},
    Charset{"latin5", "ISO-8859-9"},
    Charset{"latin7", "ISO-8859-13"},
    Charset{"macce", "MAC-CENTRALEUROPE"},
    Charset{"macroman", "MACINTOSH"},
    Charset{"sjis", "SJIS"},
    Charset{"tis620", "TIS-620"},
    Charset{"ucs2", "UCS-2BE", 2},
    Charset{"ujis", "EUC-JP"},
    Charset{"utf16", "UTF-16BE", 2},
    Charset{"utf16le", "UTF-16LE", 2},
    Charset{"utf32", "UTF-32BE", 4},
};

// The server's latin1 is Windows-1252, whose five free places it fills with the control characters of the same number.
constexpr std::array<std::uint16_t, 32> kLatin1From80 = {0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
                                                         0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008d, 0x017d, 0x008f,
                                                         0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                                         0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178};

void append_latin1(std::string_view text, std::string& out) {
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte < 0x80) {
      out += c;
      continue;
    }
    const unsigned point = byte < 0xa0 ? kLatin1From80[byte - 0x80U] : byte;
    if (point < 0x800) {
      out += static_cast<char>(0xc0U | point >> 6U);
    } else {
      out += static_cast<char>(0xe0U | point >> 12U);
      out += static_cast<char>(0x80U | (point >> 6U & 0x3fU));
    }
    out += static_cast<char>(0x80U | (point & 0x3fU));
  }
}

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<std::uint8_t>(c) < 0x80; });
}

}  // namespace

void TextConverter::Closer::operator()(void* handle) const { ::iconv_close(handle); }

TextConverter::TextConverter(std::string_view charset) : charset_(charset) {
  if (charset == "latin1") {
    way_ = Way::kLatin1;
    return;
  }
  const auto* found = std::find_if(kCharsets.begin(), kCharsets.end(), [&](const Charset& c) { return c.name == charset; });
  if (found != kCharsets.end() && found->library_name == nullptr) return;
  iconv_t handle = found == kCharsets.end() ? nullptr : ::iconv_open("UTF-8", found->library_name);
  if (handle == nullptr || reinterpret_cast<std::intptr_t>(handle) == -1) {
    fail(ErrorCode::kContract, "its character set {} cannot be read from the binary log; convert the column to utf8mb4", charset);
  }
  handle_.reset(handle);
  way_ = Way::kLibrary;
  unit_ = found->unit;
}

std::string_view TextConverter::to_utf8(std::string_view text, std::string& scratch) {
  // All sets but the wide ones hold ASCII as it is (the server's sjis too, where this C library's shows a yen sign).
  if (way_ == Way::kNone || (unit_ == 1 && is_plain(text))) return text;
  scratch.clear();
  if (way_ == Way::kLatin1) {
    append_latin1(text, scratch);
  } else {
    convert(text, scratch);
  }
  return scratch;
}

std::size_t TextConverter::unread_length(std::string_view text) const {
  // A character of two bytes that has no meaning counts once.
  const bool has_pairs = charset_ == "gbk" || charset_ == "big5" || charset_ == "gb2312" || charset_ == "euckr";
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  if (has_pairs && text.size() > 1 && byte(0) > 0x80 && byte(0) < 0xff && byte(1) >= 0x40) return 2;
  return std::min<std::size_t>(unit_, text.size());
}

void TextConverter::convert(std::string_view text, std::string& out) {
  ::iconv(handle_.get(), nullptr, nullptr, nullptr, nullptr);
  char* from = const_cast<char*>(text.data());
  std::size_t left = text.size();
  while (left > 0) {
    std::array<char, 1024> piece{};
    char* to = piece.data();
    std::size_t room = piece.size();
    const std::size_t result = ::iconv(handle_.get(), &from, &left, &to, &room);
    out.append(piece.data(), piece.size() - room);
    if (result != static_cast<std::size_t>(-1) || errno == E2BIG) continue;
    if (errno == EINVAL) {  // a character that the text ends in the middle of
      out += '?';
      return;
    }
    out += '?';
    const std::size_t skipped = unread_length(std::string_view(from, left));
    from += skipped;
    left -= skipped;
  }
}

}  // namespace lodestone::sources
