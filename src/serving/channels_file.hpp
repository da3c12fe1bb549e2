#pragma once
// Recall channels outside of this process (docs/channels.md): a YAML file, watched while the server runs.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "cache/redis_url.hpp"
#include "engine/channel.hpp"
#include "engine/rules.hpp"

namespace lodestone::serving {

/// What a page brings that a channel may ask by.
struct ChannelAsk {
  engine::PageKind kind = engine::PageKind::kSimilar;
  std::optional<std::int64_t> item;
  std::optional<std::int64_t> user;
};

/// Text with {dataset_id}, {user_id} and {limit} in it.
class AskPattern {
 public:
  AskPattern() = default;
  /// Throws invalid_argument for another name in braces.
  explicit AskPattern(std::string text);
  [[nodiscard]] bool has_item() const { return has_item_; }
  [[nodiscard]] bool has_user() const { return has_user_; }
  /// False, and nothing appended, when `ask` lacks what it speaks of.
  bool expand(const ChannelAsk& ask, std::size_t limit, std::string& out) const;
  [[nodiscard]] const std::string& text() const { return text_; }
  bool operator==(const AskPattern&) const = default;

 private:
  std::string text_;
  bool has_item_ = false;
  bool has_user_ = false;
};

struct ChannelSpec {
  enum class Form : std::uint8_t {
    kHttp,       ///< GET, answered with {"items": [{"dataset_id", "score"}]}
    kRedisZset,  ///< ZREVRANGE KEY WITHSCORES
    kRedisJson   ///< GET KEY, the same document as kHttp
  };
  std::string name;  ///< [a-z][a-z0-9_]*, no channel of the engine
  Form form = Form::kHttp;
  std::string host;
  std::uint16_t port = 80;
  cache::RedisUrl redis;
  AskPattern pattern;  ///< target of the request, or the key
  std::chrono::milliseconds deadline{40};
  double weight = 0.5;
  std::size_t limit = engine::kExternalDepth;
  engine::PageKindSet pages = 0;
  bool is_shared = true;  ///< answers go to the Redis tiers too

  [[nodiscard]] bool is_for(engine::PageKind kind) const { return (pages >> static_cast<unsigned>(kind) & 1U) != 0; }
  /// Whether the other, of the same name, gives the same answers: what is kept of one holds for both.
  [[nodiscard]] bool has_answers_of(const ChannelSpec& other) const {
    return form == other.form && host == other.host && port == other.port && redis == other.redis && pattern == other.pattern &&
           limit == other.limit;
  }
  bool operator==(const ChannelSpec&) const = default;
};

struct ChannelBook {
  std::vector<ChannelSpec> channels;  ///< at most engine::kExternalChannels, in the order of the file
  bool at_once = true;                ///< false: one after the other, to see what that costs
};

/// Throws invalid_argument with all errors, each with key path and line. `most` is the longest deadline a channel may have.
ChannelBook parse_channels(std::string_view text, std::string_view name, std::chrono::milliseconds most);
/// The same of a file; no channels where it is "" or not there.
ChannelBook load_channels(const fs::path& file, std::chrono::milliseconds most);

}  // namespace lodestone::serving
