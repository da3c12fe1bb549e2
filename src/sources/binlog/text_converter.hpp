#pragma once
// Texts of the log come in the character set of their column; ours are UTF-8.

#include <memory>
#include <string>
#include <string_view>

namespace lodestone::sources {

/// Converts texts of one character set to UTF-8 as the server does for a connection in utf8mb4; what has no meaning there becomes
/// '?'. One thread.
class TextConverter {
 public:
  /// `charset` is the server's name of it ("latin1", "gbk"); "", "binary" and UTF-8 itself pass as they are. Throws contract,
  /// naming what to do, for one that is not known here.
  explicit TextConverter(std::string_view charset);

  [[nodiscard]] const std::string& charset() const { return charset_; }
  /// `text` itself or a view into `scratch`.
  std::string_view to_utf8(std::string_view text, std::string& scratch);

 private:
  enum class Way { kNone, kLatin1, kLibrary };
  struct Closer {
    void operator()(void* handle) const;
  };
  void convert(std::string_view text, std::string& out);
  /// How many bytes at the front of a text, which cannot be read there, are left out.
  [[nodiscard]] std::size_t unread_length(std::string_view text) const;

  std::string charset_;
  Way way_ = Way::kNone;
  unsigned unit_ = 1;  // bytes to leave out where nothing can be read
  std::unique_ptr<void, Closer> handle_;
};

}  // namespace lodestone::sources
