// The dictionary's bytes lie in the program's read-only data, which the kernel maps: nothing is loaded at start, and only the pages
// that look-ups touch take memory.
#include "features/text/word_dictionary.hpp"

// A C++ array of this size takes the compiler seconds and hundreds of MiB; the assembler copies the file.
// NOLINTNEXTLINE(misc-include-cleaner)
__asm__(
    ".section .rodata\n"
    ".balign 64\n"
    "lodestone_words_begin:\n"
    ".incbin \"" LODESTONE_WORDS_FILE
    "\"\n"
    "lodestone_words_end:\n"
    ".global lodestone_words_begin\n"
    ".global lodestone_words_end\n"
    ".hidden lodestone_words_begin\n"
    ".hidden lodestone_words_end\n"
    ".text\n");

extern "C" {
extern const std::byte lodestone_words_begin[];  // NOLINT(modernize-avoid-c-arrays,cppcoreguidelines-avoid-c-arrays)
extern const std::byte lodestone_words_end[];    // NOLINT(modernize-avoid-c-arrays,cppcoreguidelines-avoid-c-arrays)
}

namespace lodestone::features {

const WordDictionary& built_in_words() {
  static const WordDictionary kWords(
      {lodestone_words_begin, static_cast<std::size_t>(lodestone_words_end - lodestone_words_begin)},
      "the built-in word dictionary");
  return kWords;
}

}  // namespace lodestone::features
