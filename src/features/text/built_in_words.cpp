// The dictionary's bytes lie in the program's read-only data, which the kernel maps: nothing is loaded at start, and only the pages
// that look-ups touch take memory.
#include "features/text/word_dictionary.hpp"

// A C++ array of this size takes the compiler seconds and hundreds of MiB; the assembler copies the file.
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

namespace lodestone::features {

extern const std::byte kWordsBegin[] __asm__("lodestone_words_begin");
extern const std::byte kWordsEnd[] __asm__("lodestone_words_end");

const WordDictionary& built_in_words() {
  static const WordDictionary words({kWordsBegin, static_cast<std::size_t>(kWordsEnd - kWordsBegin)},
                                    "the built-in word dictionary");
  return words;
}

}  // namespace lodestone::features
