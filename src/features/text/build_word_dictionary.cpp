// Writes the built-in dictionary: build_word_dictionary WORDS OUT. A step of the build, no part of the program.
#include <cstdio>
#include <exception>

#include "base/file.hpp"
#include "features/text/word_dictionary_builder.hpp"

int main(int argc, char** argv) {
  try {
    if (argc != 3) {
      std::fputs("usage: build_word_dictionary WORDS OUT\n", stderr);
      return 2;
    }
    const std::string text = lodestone::read_file(argv[1]);
    const auto words = lodestone::features::parse_counted_words(text, argv[1]);
    lodestone::write_file_atomic(argv[2], lodestone::features::build_word_dictionary(words, {}));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "build_word_dictionary: %s\n", error.what());
    return 1;
  }
}
