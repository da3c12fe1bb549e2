#include "serving/api_keys.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/yaml.hpp"

namespace lodestone::serving {
namespace {

constexpr std::array<std::string_view, kScopes> kScopeNames = {"recommend", "search", "events", "explain"};
constexpr double kMaxRate = 1e6;
constexpr std::size_t kMaxNameBytes = 64;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::optional<Sha256Digest> parse_digest(std::string_view text) {
  Sha256Digest out{};
  if (text.size() != 2 * out.size()) return std::nullopt;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = hex_digit(text[2 * i]);
    const int low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return out;
}

bool is_good_name(std::string_view name) {
  const auto is_good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  };
  return !name.empty() && name.size() <= kMaxNameBytes && std::ranges::all_of(name, is_good);
}

ScopeSet read_scopes(const Yaml& node) {
  ScopeSet out = 0;
  const std::vector<std::string> known(kScopeNames.begin(), kScopeNames.end());
  for (const std::string& name : node.as_strings()) {
    const auto scope = find_scope(name);
    if (!scope) node.error(fmt::format("\"{}\" is no scope{}", name, suggest(name, known)));
    if (scope) out = static_cast<ScopeSet>(out | scope_bit(*scope));
  }
  if (node.is_defined() && out == 0) node.error(fmt::format("a key needs one scope at least of {}", fmt::join(known, ", ")));
  return out;
}

double read_number(const Yaml& node, double fallback, double least) {
  if (!node.is_defined()) return fallback;
  const double value = node.as_double(fallback);
  if (!(value >= least && value <= kMaxRate)) node.error(fmt::format("{} is outside {}..{}", value, least, kMaxRate));
  return value;
}

ApiKey read_key(const Yaml& node) {
  ApiKey out;
  node.only({"name", "sha256", "scopes", "rate", "burst", "filter", "not_after"});
  out.name = node.require("name").as_string("");
  if (!is_good_name(out.name)) node.error(fmt::format("a name has 1 to {} letters, digits, _, - and .", kMaxNameBytes));
  const Yaml digest = node.require("sha256");
  if (const auto read = parse_digest(digest.text())) {
    out.digest = *read;
  } else if (digest.is_defined()) {
    digest.error("expected the SHA-256 of a key as 64 hexadecimal digits, never a key; lodestone keys new writes it");
  }
  out.scopes = read_scopes(node.require("scopes"));
  out.rate = read_number(node.get("rate"), 0, 0.001);
  out.burst = read_number(node.get("burst"), std::max(1.0, out.rate), 1);
  if (out.rate == 0 && node.get("burst").is_defined()) node.get("burst").error("a burst belongs to a rate, which is missing");
  if (out.rate > 0) out.limit = std::make_shared<RateLimit>(out.rate, out.burst);
  if (const Yaml filter = node.get("filter"); filter.is_defined()) {
    out.filter_text = filter.as_string("");
    try {
      out.filter = engine::Filter::parse(out.filter_text);
    } catch (const Error& error) {
      filter.error(error.message());
    }
  }
  if (const Yaml until = node.get("not_after"); until.is_defined()) {
    out.not_after = parse_time(until.text());
    if (!out.not_after) until.error(fmt::format("\"{}\" is no time, 2027-01-01T00:00:00Z", until.text()));
  }
  return out;
}

/// YAML's double-quoted form.
std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

std::string_view scope_name(Scope scope) { return kScopeNames[static_cast<std::size_t>(scope)]; }

std::optional<Scope> find_scope(std::string_view name) {
  const auto found = std::ranges::find(kScopeNames, name);
  if (found == kScopeNames.end()) return std::nullopt;
  return static_cast<Scope>(found - kScopeNames.begin());
}

std::vector<std::string> scope_names(ScopeSet scopes) {
  std::vector<std::string> out;
  for (std::size_t s = 0; s < kScopes; ++s) {
    if ((scopes & scope_bit(static_cast<Scope>(s))) != 0) out.emplace_back(kScopeNames[s]);
  }
  return out;
}

KeyBook KeyBook::parse(std::string_view text, std::string_view name) {
  YamlErrors errors{std::string(name)};
  const Yaml root = Yaml::parse(text, errors);
  KeyBook out;
  // Comments alone, or "keys:" and nothing behind it, is what a file looks like that was cut off: it must not open the door.
  if (text.find_first_not_of(" \t\r\n") != std::string_view::npos) {
    if (!root.is_defined() || root.is_null()) {
      fail(ErrorCode::kInvalidArgument, "{}: there is no list \"keys\"; write \"keys: []\" when nobody is to need a key", name);
    }
    root.only({"keys"});
    const Yaml list = root.require("keys");
    if (list.is_defined() && !list.is_list()) list.error("keys are a list, - {name: shop, ...}; [] when nobody is to need one");
    const std::vector<Yaml> nodes = list.is_list() ? list.items() : std::vector<Yaml>{};
    if (nodes.size() > kMaxKeys) list.error(fmt::format("there are {} keys, at most {} are taken", nodes.size(), kMaxKeys));
    for (const Yaml& node : nodes) {
      if (!node.is_map()) {
        node.error("a key is a map with name, sha256 and scopes");
        continue;
      }
      ApiKey key = read_key(node);
      for (const ApiKey& other : out.all_) {
        if (other.name == key.name) node.error(fmt::format("there are two keys \"{}\"", key.name));
        if (other.digest == key.digest && key.digest != Sha256Digest{})
          node.error(fmt::format("it is the same key as \"{}\"", other.name));
      }
      out.all_.push_back(std::move(key));
    }
  }
  errors.throw_if_any();
  std::ranges::sort(out.all_, {}, &ApiKey::digest);
  return out;
}

std::string KeyBook::format(const std::vector<ApiKey>& keys) {
  std::string out = keys.empty() ? "keys: []\n" : "keys:\n";
  for (const ApiKey& key : keys) {
    out += fmt::format("  - name: {}\n    sha256: {}\n    scopes: [{}]\n", in_quotes(key.name), in_quotes(to_hex(key.digest)),
                       fmt::join(scope_names(key.scopes), ", "));
    if (key.rate > 0) out += fmt::format("    rate: {}\n    burst: {}\n", key.rate, key.burst);
    if (key.filter) out += fmt::format("    filter: {}\n", in_quotes(key.filter_text));
    if (key.not_after) out += fmt::format("    not_after: {}\n", in_quotes(format_rfc3339(*key.not_after)));
  }
  return out;
}

const ApiKey* KeyBook::find(std::string_view key) const {
  // The place in the list follows from the digest, which nobody can choose, so what the search's time tells is of no use.
  const Sha256Digest digest = sha256(key);
  const auto found = std::ranges::lower_bound(all_, digest, {}, &ApiKey::digest);
  if (found == all_.end()) return nullptr;
  unsigned difference = 0;
  for (std::size_t i = 0; i < digest.size(); ++i) difference |= static_cast<unsigned>(digest[i] ^ found->digest[i]);
  return difference == 0 ? &*found : nullptr;
}

void KeyBook::keep_rates(const KeyBook& before) {
  for (ApiKey& key : all_) {
    const auto same = std::ranges::lower_bound(before.all_, key.digest, {}, &ApiKey::digest);
    if (same == before.all_.end() || same->digest != key.digest || same->rate != key.rate || same->burst != key.burst) continue;
    key.limit = same->limit;
  }
}

std::string make_api_key() {
  std::array<std::uint8_t, 32> bytes{};
  std::size_t n = 0;
  while (n < bytes.size()) {
    const ssize_t got = ::getrandom(bytes.data() + n, bytes.size() - n, 0);
    if (got < 0 && errno != EINTR) fail(ErrorCode::kUnavailable, "the system gives no random numbers");
    if (got > 0) n += static_cast<std::size_t>(got);
  }
  return "lk_" + to_hex(bytes);
}

}  // namespace lodestone::serving
