// lodestone keys new | list | revoke: the file of the public port's keys.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/nearest.hpp"
#include "bundle/file_lock.hpp"
#include "serving/api_keys.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

using serving::ApiKey;

fs::path keys_file(const Globals& globals) {
  fs::path file = load_config(globals).file_path("serving.keys_file");
  if (file.empty()) fail(ErrorCode::kInvalidArgument, "serving.keys_file is empty, so there is no file for keys; name one");
  return file;
}

std::vector<ApiKey> read_keys(const fs::path& file) {
  if (!fs::exists(file)) return {};
  std::vector<ApiKey> keys = serving::KeyBook::parse(read_file(file), file.string()).all();
  std::ranges::sort(keys, {}, &ApiKey::name);
  return keys;
}

/// The comments at the beginning of the file, which stay.
std::string head_of(const fs::path& file) {
  if (!fs::exists(file))
    return "# Keys of the public port: lodestone keys new|list|revoke. Only digests of them are here; nobody can tell a key from "
           "its digest.\n";
  std::string head;
  LineReader lines(file);
  for (std::string line; lines.next(line) && (line.empty() || line.starts_with('#'));) head += line + "\n";
  return head;
}

/// What is written must be what would be read, or a key would be lost or too good.
void write_keys(const fs::path& file, const std::vector<ApiKey>& keys) {
  const std::string text = head_of(file) + serving::KeyBook::format(keys);
  static_cast<void>(serving::KeyBook::parse(text, file.string()));
  write_file_atomic(file, text);
}

std::string state_of(const ApiKey& key, TimePoint now) {
  if (!key.not_after) return "good";
  return now >= *key.not_after ? "expired" : "good until " + format_rfc3339(*key.not_after);
}

/// The new key as one entry of the file would have it, read with the file's own rules.
ApiKey make_entry(const KeyArguments& arguments, const std::string& secret) {
  ApiKey entry;
  entry.name = arguments.name;
  entry.digest = sha256(secret);
  const std::vector<std::string> known = serving::scope_names(UINT8_MAX);
  for (const std::string& name : arguments.scopes) {
    const auto scope = serving::find_scope(name);
    if (!scope) fail(ErrorCode::kInvalidArgument, "--scope \"{}\" is none{}", name, suggest(name, known));
    entry.scopes = static_cast<serving::ScopeSet>(entry.scopes | serving::scope_bit(*scope));
  }
  if (!(arguments.rate >= 0)) fail(ErrorCode::kInvalidArgument, "--rate {} is outside 0.001..1e6; 0 is no limit", arguments.rate);
  entry.rate = arguments.rate;
  entry.burst = arguments.burst > 0 ? arguments.burst : std::max(1.0, arguments.rate);
  entry.filter_text = arguments.filter;
  if (!arguments.filter.empty()) entry.filter = engine::Filter::parse(arguments.filter);
  if (!arguments.not_after.empty()) {
    entry.not_after = parse_time(arguments.not_after);
    if (!entry.not_after)
      fail(ErrorCode::kInvalidArgument, "--not-after \"{}\" is no time, 2027-01-01T00:00:00Z", arguments.not_after);
  }
  return entry;
}

}  // namespace

int run_keys_new(const Globals& globals, const KeyArguments& arguments) {
  const fs::path file = keys_file(globals);
  const std::string secret = serving::make_api_key();
  const ApiKey entry = make_entry(arguments, secret);
  const bundle::FileLock lock(fs::path(file) += ".lock");
  std::vector<ApiKey> keys = read_keys(file);
  if (std::ranges::any_of(keys, [&](const ApiKey& key) { return key.name == arguments.name; }))
    fail(ErrorCode::kInvalidArgument, "there is a key \"{}\" already; choose another name", arguments.name);
  const bool is_first = keys.empty();
  keys.push_back(entry);
  write_keys(file, keys);
  if (globals.json) {
    json::Value out;
    out.set("name", json::Value(entry.name));
    out.set("key", json::Value(secret));
    print_json(json::format(out, 2));
  } else {
    std::printf("%s\n", secret.c_str());
  }
  std::fprintf(stderr, "key %s is in %s; it is shown this once and stored nowhere\n", entry.name.c_str(), file.c_str());
  if (is_first) std::fputs("it is the first one: from now on nobody is answered without a key\n", stderr);
  return 0;
}

int run_keys_list(const Globals& globals) {
  const SystemClock clock;
  const fs::path file = keys_file(globals);
  std::vector<std::vector<std::string>> rows;
  json::Array documents;
  for (const ApiKey& key : read_keys(file)) {
    const std::string state = state_of(key, clock.now());
    const std::string scopes = fmt::format("{}", fmt::join(serving::scope_names(key.scopes), " "));
    rows.push_back(
        {key.name, state, scopes, key.rate > 0 ? fmt::format("{} ({} at once)", key.rate, key.burst) : "", key.filter_text});
    json::Value one;
    one.set("name", json::Value(key.name));
    one.set("state", json::Value(state));
    json::Array names;
    for (const std::string& scope : serving::scope_names(key.scopes)) names.emplace_back(scope);
    one.set("scopes", json::Value(std::move(names)));
    one.set("rate", key.rate > 0 ? json::Value(key.rate) : json::Value());
    one.set("burst", key.rate > 0 ? json::Value(key.burst) : json::Value());
    one.set("filter", key.filter ? json::Value(key.filter_text) : json::Value());
    documents.push_back(std::move(one));
  }
  if (globals.json) {
    print_json(json::format(json::Value(std::move(documents)), 2));
  } else if (rows.empty()) {
    std::printf("%s has no key; nobody needs one\n", file.c_str());
  } else {
    print_table({"name", "state", "scopes", "requests a second", "filter"}, rows);
  }
  return 0;
}

int run_keys_revoke(const Globals& globals, const KeyArguments& arguments) {
  const SystemClock clock;
  const fs::path file = keys_file(globals);
  const bundle::FileLock lock(fs::path(file) += ".lock");
  std::vector<ApiKey> keys = read_keys(file);
  std::vector<std::string> names;
  for (ApiKey& key : keys) {
    names.push_back(key.name);
    if (key.name != arguments.name) continue;
    // It stays in the file: with its entry gone, the last key would open the door to everybody.
    key.not_after = std::chrono::floor<std::chrono::seconds>(clock.now());
    write_keys(file, keys);
    std::printf("key %s is no longer good; servers know within a second\n", key.name.c_str());
    return 0;
  }
  fail(ErrorCode::kNotFound, "{} has no key \"{}\"{}", file.string(), arguments.name, suggest(arguments.name, names));
}

}  // namespace lodestone::app
