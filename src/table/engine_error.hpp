#pragma once
// The engine's error texts as our sentences. Internal to this folder.

#include <string>
#include <string_view>

namespace lodestone::table {

/// `text` is what the engine said, "Binder Error: ...", possibly over several lines; `subject` is what was being done and on what, for
/// example "lake/raw/business/user/part-0.parquet: cannot write", or "" when the text says it all. Throws Error.
[[noreturn]] void fail_with_engine_text(std::string_view subject, std::string_view text);

}  // namespace lodestone::table
