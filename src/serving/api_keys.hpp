#pragma once
// Keys of the public port (docs/keys.md): who may ask for what, how often, and which data sets there are for whom. The file is YAML and
// holds the SHA-256 of each key, never a key:
//
//   keys:
//     - name: shop
//       sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
//       scopes: [recommend, search, events]
//       rate: 100                 # requests a second
//       burst: 200                # at once, after a pause
//       filter: 'category in ("weather","air")'
//       not_after: 2027-01-01T00:00:00Z

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/hash.hpp"
#include "engine/filter.hpp"
#include "serving/rate_limit.hpp"

namespace lodestone::serving {

/// What a key may be used for. The numbers are bits of a ScopeSet.
enum class Scope : std::uint8_t {
  kRecommend,  ///< "recommend": lists
  kSearch,     ///< "search"
  kEvents,     ///< "events": posting them
  kExplain,    ///< "explain": the parameter explain of lists
};
using ScopeSet = std::uint8_t;
inline constexpr std::size_t kScopes = 4;
std::string_view scope_name(Scope scope);
constexpr ScopeSet scope_bit(Scope scope) { return static_cast<ScopeSet>(1U << static_cast<unsigned>(scope)); }

struct ApiKey {
  std::string name;  ///< stands in metrics, logs and exposures
  Sha256Digest digest{};
  ScopeSet scopes = 0;
  double rate = 0;   ///< requests a second; 0 = no limit
  double burst = 0;  ///< requests at once
  std::string filter_text;
  std::optional<engine::Filter> filter;  ///< the entitlement: there are no other data sets for this key
  std::optional<TimePoint> not_after;    ///< from then on it is unknown
  std::shared_ptr<RateLimit> limit;      ///< null without a rate
};

/// One reading of the file. Const after parse() but for the rates, safe from many threads.
class KeyBook {
 public:
  static constexpr std::size_t kMaxKeys = 1'000;

  /// Throws invalid_argument with all errors, each with key path and line; no sentence holds a value of `sha256`, where somebody may have put a key.
  static KeyBook parse(std::string_view text, std::string_view name);

  /// As parse() reads it, in the order of `keys`.
  static std::string format(const std::vector<ApiKey>& keys);

  [[nodiscard]] const std::vector<ApiKey>& all() const { return all_; }
  /// Whether there is any, be it one that is no longer good: then nobody comes in without one.
  [[nodiscard]] bool is_closed() const { return !all_.empty(); }
  /// The key with this text, nullptr when there is none. Takes the same time for every wrong one.
  [[nodiscard]] const ApiKey* find(std::string_view key) const;

  /// Goes on with the rates that `before` has for the same keys, so that reading the file again gives nobody a new burst.
  void keep_rates(const KeyBook& before);

 private:
  std::vector<ApiKey> all_;  ///< ascending by digest
};

/// A new key: "lk_" and 256 bits from the system's generator in hexadecimal.
std::string make_api_key();

/// Names of scopes in a ScopeSet, "recommend, search".
std::vector<std::string> scope_names(ScopeSet scopes);
/// The bit of a scope's name; none for an unknown one.
std::optional<Scope> find_scope(std::string_view name);

}  // namespace lodestone::serving
