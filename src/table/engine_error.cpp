#include "table/engine_error.hpp"

#include <array>

#include "base/error.hpp"

namespace lodestone::table {
namespace {

struct Rule {
  std::string_view prefix;  // of the engine's text
  ErrorCode code;
  std::string_view way_out;
};

// What the reader can do, by the engine's class of error. The first fitting rule counts.
constexpr std::array kRules = {
    Rule{"Parser Error", ErrorCode::kInvalidArgument, "correct the SQL"},
    Rule{"Syntax Error", ErrorCode::kInvalidArgument, "correct the SQL"},
    Rule{"Binder Error", ErrorCode::kContract, "compare the query with the columns that the tables have"},
    Rule{"Catalog Error", ErrorCode::kContract, "compare the query with the tables and functions that there are"},
    Rule{"Conversion Error", ErrorCode::kContract, "correct the value, or cast with TRY_CAST"},
    Rule{"Out of Range Error", ErrorCode::kContract, "correct the value, or cast to a wider type"},
    Rule{"Mismatch Type Error", ErrorCode::kContract, "cast to the type that is wanted"},
    Rule{"Constraint Error", ErrorCode::kContract, "correct the data"},
    Rule{"Out of Memory Error", ErrorCode::kUnavailable, "raise pipeline.memory_mib, or free disk space in pipeline.temp_folder"},
    Rule{"IO Error", ErrorCode::kUnavailable, "check that the file is there and the disk is not full"},
    Rule{"Permission Error", ErrorCode::kUnavailable, "check the permissions"},
};

std::string one_line(std::string_view text) {
  // The engine draws the place in the query below an empty line; the sentence before it is enough for a log.
  text = text.substr(0, text.find("\n\n"));
  std::string out;
  for (const char c : text) {
    if (c != '\n') {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == '.')) out.pop_back();
  return out;
}

bool names_damaged_parquet(std::string_view text) {
  for (const std::string_view sign : {"magic bytes", "too small to be a Parquet", "Parquet file", "parquet file", "thrift",
                                      "TProtocol", "Thrift", "decompress"}) {
    if (text.find(sign) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

void fail_with_engine_text(std::string_view subject, std::string_view text) {
  const std::string line = one_line(text);
  const std::size_t colon = line.find("Error: ");
  const std::string_view detail = colon == std::string::npos ? std::string_view(line) : std::string_view(line).substr(colon + 7);
  const std::string lead = subject.empty() ? std::string() : std::string(subject) + ": ";
  const bool about_a_missing_file = line.find("No files found") != std::string::npos;
  for (const Rule& rule : kRules) {
    if (!std::string_view(line).starts_with(rule.prefix)) continue;
    if (rule.code == ErrorCode::kUnavailable && names_damaged_parquet(line)) break;
    fail(about_a_missing_file ? ErrorCode::kNotFound : rule.code, "{}{}; {}", lead, detail, rule.way_out);
  }
  if (names_damaged_parquet(line)) {
    fail(ErrorCode::kCorrupt, "{}{}; the Parquet file is damaged: restore it, or make it again with lodestone extract --full",
         lead, detail);
  }
  if (line.starts_with("Invalid Input Error")) fail(ErrorCode::kContract, "{}{}; correct the data or the query", lead, detail);
  fail(ErrorCode::kInternal, "{}{}; this is a fault of ours or of the SQL engine: please report it with the query", lead, line);
}

}  // namespace lodestone::table
