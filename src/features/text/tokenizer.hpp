#pragma once
// Text to tokens, the same for fitting and serving: whatever the index holds, a query gives. Chinese, Japanese and Korean text becomes
// single characters and pairs of neighbours, which need no dictionary; everything else becomes words.
//
// 1. Markup and URLs go (features/text/markup.hpp).
// 2. Unicode NFKC with case folding: full width to half, upper to lower case, ligatures apart.
// 3. Letters and digits form words; a point or comma between digits stays ("v1.2", "1,024" is "1024"). English plurals end as their singular
//    by the rules of Harman's S stemmer ("How effective is suffixing?", JASIS 1991); a final 's goes. Words over 48 bytes are
//    no words (hashes, packed data) and go. So do English stop words.
// 4. A run of CJK characters gives each character and each pair; the run is cut at the particle "的". Single particles go.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone::features {

/// Changes with every change of what tokenize() gives, so that a release knows whether its index fits the program.
inline constexpr int kTokenizerVersion = 1;

/// Appends the tokens of `text` (UTF-8, any bytes) in the order of the text, as XXH3 hashes of their UTF-8 form; repeats stay. Scratch
/// is kept per thread, so a warm call allocates nothing but the growth of `out`. Safe from many threads.
void tokenize(std::string_view text, std::vector<std::uint64_t>& out);

/// The same tokens as text, for people and tests.
std::vector<std::string> token_texts(std::string_view text);

}  // namespace lodestone::features
