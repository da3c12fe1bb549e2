#include "serving/channels_file.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/yaml.hpp"

namespace lodestone::serving {
namespace {

using engine::PageKind;
using Form = ChannelSpec::Form;

constexpr std::string_view kItem = "{dataset_id}";
constexpr std::string_view kUser = "{user_id}";
constexpr std::string_view kLimit = "{limit}";
constexpr std::array<std::pair<std::string_view, PageKind>, 3> kPages = {
    {{"similar", PageKind::kSimilar}, {"detail", PageKind::kDetail}, {"user", PageKind::kUser}}};
constexpr double kMaxWeight = 100;

bool is_name(std::string_view text) {
  const auto is_part = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !text.empty() && text.size() <= 32 && text[0] >= 'a' && text[0] <= 'z' && std::ranges::all_of(text, is_part);
}

bool is_own_channel(std::string_view name) {
  for (std::size_t c = 0; c < engine::kOwnChannels; ++c) {
    if (engine::channel_name(static_cast<engine::Channel>(c)) == name) return true;
  }
  return name == "external" || name == "fallback";
}

/// Values of recommendation_timeouts_total{operation} besides the names of channels.
bool is_operation(std::string_view name) { return name == "request" || name == "ranking"; }

/// Takes "http://HOST[:PORT]/PATH?QUERY" apart.
void read_http(const Yaml& node, std::string_view url, ChannelSpec& out) {
  url.remove_prefix(std::string_view("http://").size());
  const std::size_t slash = std::min(url.find('/'), url.size());
  std::string_view host = url.substr(0, slash);
  std::string target(url.substr(slash));
  if (target.empty()) target = "/";
  if (host.find('@') != std::string_view::npos) return node.error("a login before the host is not sent; leave it out");
  if (std::ranges::any_of(target, [](char c) { return c <= ' ' || c == 0x7f; }))
    return node.error("the path holds a blank or a control character; percent-encode it");
  if (const std::size_t colon = host.rfind(':'); colon != std::string_view::npos && !host.ends_with(']')) {
    const std::string_view digits = host.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || out.port == 0)
      return node.error(fmt::format("\"{}\" is no port from 1 to 65535", digits));
    host = host.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return node.error("there is no host");
  out.host = host;
  out.pattern = AskPattern(std::move(target));
}

void read_redis(const Yaml& node, const std::string& url, ChannelSpec& out) {
  out.redis = cache::RedisUrl::parse(url, "url");
  const std::string key = node.require("key").as_string("");
  if (key.empty()) return node.get("key").error("expected a key such as \"recs:{dataset_id}\"");
  out.pattern = AskPattern(key);
  const Yaml form = node.get("form");
  const std::vector<std::string> known = {"zset", "json"};
  const std::string text = form.as_string(known[0]);
  if (text != known[0] && text != known[1]) form.error(fmt::format("\"{}\" is no form{}", text, suggest(text, known)));
  out.form = text == known[1] ? Form::kRedisJson : Form::kRedisZset;
  out.is_shared = false;  // reading Redis to spare a reading of Redis gains nothing
}

void read_url(const Yaml& node, ChannelSpec& out) {
  const Yaml url = node.require("url");
  const std::string text = url.as_string("");
  try {
    if (text.starts_with("http://")) {
      for (const char* key : {"key", "form"}) {
        if (node.get(key).is_defined()) node.get(key).error("only a channel in Redis has one");
      }
      read_http(url, text, out);
    } else if (text.starts_with("redis://") || text.starts_with("rediss://")) {
      read_redis(node, text, out);
    } else if (url.is_defined()) {
      url.error("expected http://HOST:PORT/PATH, redis://HOST:PORT/DATABASE or rediss://HOST:PORT/DATABASE");
    }
  } catch (const Error& error) {
    url.error(error.message());
  }
}

engine::PageKindSet read_pages(const Yaml& node) {
  std::vector<std::string> known;
  for (const auto& [name, kind] : kPages) known.emplace_back(name);
  engine::PageKindSet out = 0;
  for (const std::string& name : node.is_defined() ? node.as_strings() : known) {
    const auto found = std::ranges::find(kPages, name, [](const auto& page) { return page.first; });
    if (found == kPages.end()) {
      node.error(fmt::format("\"{}\" is no page that hears a channel{}", name, suggest(name, known)));
    } else {
      out = static_cast<engine::PageKindSet>(out | 1U << static_cast<unsigned>(found->second));
    }
  }
  return out;
}

ChannelSpec read_channel(const Yaml& node, const std::string& name, std::chrono::milliseconds most) {
  ChannelSpec out;
  out.name = name;
  node.only({"description", "url", "key", "form", "deadline_ms", "weight", "limit", "pages", "shared"});
  if (!is_name(name)) node.error("a channel's name has up to 32 of a-z, 0-9 and _, a letter first");
  if (is_own_channel(name)) node.error(fmt::format("\"{}\" is a channel of the engine; choose another name", name));
  if (is_operation(name)) {
    node.error(fmt::format(
        "\"{}\" is taken: recommendation_timeouts_total calls an operation of the server so; choose another name", name));
  }
  read_url(node, out);
  out.deadline =
      std::chrono::milliseconds(node.get("deadline_ms").as_int(std::min<std::int64_t>(40, most.count()), 1, most.count()));
  const Yaml weight = node.get("weight");
  out.weight = weight.as_double(out.weight);
  if (!(out.weight >= 0 && out.weight <= kMaxWeight)) weight.error(fmt::format("{} is outside 0..{}", out.weight, kMaxWeight));
  out.limit = static_cast<std::size_t>(node.get("limit").as_int(static_cast<std::int64_t>(out.limit), 1, engine::kExternalDepth));
  out.pages = read_pages(node.get("pages"));
  out.is_shared = node.get("shared").as_bool(out.is_shared);
  return out;
}

}  // namespace

AskPattern::AskPattern(std::string text) : text_(std::move(text)) {
  for (std::size_t at = text_.find('{'); at != std::string::npos; at = text_.find('{', at + 1)) {
    const std::string_view rest = std::string_view(text_).substr(at);
    if (!rest.starts_with(kItem) && !rest.starts_with(kUser) && !rest.starts_with(kLimit)) {
      fail(ErrorCode::kInvalidArgument, "\"{}\" is none of {}, {} and {}", rest.substr(0, rest.find('}') + 1), kItem, kUser,
           kLimit);
    }
    has_item_ = has_item_ || rest.starts_with(kItem);
    has_user_ = has_user_ || rest.starts_with(kUser);
  }
}

bool AskPattern::expand(const ChannelAsk& ask, std::size_t limit, std::string& out) const {
  if ((has_item_ && !ask.item) || (has_user_ && !ask.user)) return false;
  std::string_view rest = text_;
  for (;;) {
    const std::size_t at = std::min(rest.find('{'), rest.size());
    out += rest.substr(0, at);
    rest.remove_prefix(at);
    if (rest.empty()) return true;
    const std::int64_t number = rest.starts_with(kItem)   ? *ask.item
                                : rest.starts_with(kUser) ? *ask.user
                                                          : static_cast<std::int64_t>(limit);
    std::array<char, 24> digits{};
    out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
    rest.remove_prefix(rest.find('}') + 1);
  }
}

ChannelBook parse_channels(std::string_view text, std::string_view name, std::chrono::milliseconds most) {
  YamlErrors errors{std::string(name)};
  const Yaml root = Yaml::parse(text, errors);
  ChannelBook out;
  if (root.is_defined() && !root.is_null()) {
    root.only({"at_once", "channels"});
    out.at_once = root.get("at_once").as_bool(true);
    const Yaml map = root.get("channels");
    if (map.is_defined() && !map.is_null() && !map.is_map()) map.error("channels are a map of their names");
    for (const std::string& key : map.is_map() ? map.keys() : std::vector<std::string>{}) {
      const Yaml node = map.get(key);
      if (!node.is_map()) {
        node.error("a channel is a map of url, deadline_ms, weight, limit and pages");
        continue;
      }
      out.channels.push_back(read_channel(node, key, most));
    }
    if (out.channels.size() > engine::kExternalChannels)
      map.error(fmt::format("there are {} channels, at most {} are asked", out.channels.size(), engine::kExternalChannels));
  }
  errors.throw_if_any();
  return out;
}

ChannelBook load_channels(const fs::path& file, std::chrono::milliseconds most) {
  if (file.empty() || !fs::exists(file)) return {};
  return parse_channels(read_file(file), file.string(), most);
}

}  // namespace lodestone::serving
