// lodestone audit: what changed what the server does, from its audit log.

#include <fmt/format.h>

#include <cstdio>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

constexpr int kMostFiles = 100;

std::string text_of(const json::Value& entry, std::string_view key) {
  const json::Value* found = entry.find(key);
  return found == nullptr || found->as_string() == nullptr ? "" : *found->as_string();
}

/// The log and what was put aside, oldest first.
std::vector<fs::path> files_of(const fs::path& log) {
  std::vector<fs::path> out;
  for (int n = kMostFiles; n > 0; --n) {
    fs::path aside = fmt::format("{}.{}", log.string(), n);
    if (fs::exists(aside)) out.push_back(std::move(aside));
  }
  if (fs::exists(log)) out.push_back(log);
  return out;
}

}  // namespace

int run_audit(const Globals& globals, const std::string& since) {
  const fs::path log = load_config(globals).file_path("serving.audit_log");
  if (log.empty()) fail(ErrorCode::kInvalidArgument, "serving.audit_log is empty, so nothing is written down");
  std::optional<TimePoint> from;
  if (!since.empty()) {
    from = parse_time(since);
    if (!from) fail(ErrorCode::kInvalidArgument, "--since \"{}\" is no time, 2026-11-24 or 2026-11-24T09:30:00Z", since);
  }
  std::vector<std::vector<std::string>> rows;
  json::Array documents;
  for (const fs::path& file : files_of(log)) {
    LineReader lines(file);
    for (std::string line; lines.next(line);) {
      json::Value entry;
      try {
        entry = json::parse(line, fmt::format("{}:{}", file.string(), lines.line_number()));
      } catch (const Error& error) {  // a crash in the middle of a line; the others still count
        std::fprintf(stderr, "left out: %s\n", error.what());
        continue;
      }
      const auto at = parse_time(text_of(entry, "at"));
      if (from && at && *at < *from) continue;
      const json::Value* arguments = entry.find("arguments");
      rows.push_back({text_of(entry, "at"), text_of(entry, "action"), text_of(entry, "actor"), text_of(entry, "peer"),
                      text_of(entry, "outcome"), arguments == nullptr ? "" : json::format(*arguments), text_of(entry, "detail")});
      documents.push_back(std::move(entry));
    }
  }
  if (globals.json) {
    print_json(json::format(json::Value(std::move(documents)), 2));
  } else if (rows.empty()) {
    std::printf("%s has no entry%s\n", log.c_str(), from ? " since then" : " yet");
  } else {
    print_table({"at", "action", "actor", "peer", "outcome", "arguments", "detail"}, rows);
  }
  return 0;
}

}  // namespace lodestone::app
