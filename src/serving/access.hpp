#pragma once
// The gate of the public port: who may ask. Follows the file of keys, and knows which sites' pages may.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "http/router.hpp"
#include "metrics/registry.hpp"
#include "serving/api_keys.hpp"
#include "serving/cross_origin.hpp"
#include "serving/file_follower.hpp"
#include "serving/published.hpp"
#include "serving/serving_metrics.hpp"

namespace lodestone::serving {

struct AccessOptions {
  fs::path keys_file;                     ///< "" or a file that is not there = nobody needs a key
  std::vector<std::string> cors_origins;  ///< of CrossOrigin
};

/// look() and collect() belong to one thread at a time; headers(), admit() and key_of() to the thread that the request names.
class Access {
 public:
  /// Reads the file. Throws invalid_argument when it has errors, as nobody knows then who may come in. The others must outlive it.
  Access(AccessOptions options, ServingMetrics& metrics, metrics::Registry& registry, const Clock& clock, int n_threads);

  /// For a router of the public port; this must outlive it.
  http::Gate gate();

  /// Reads the file again if it is another one than at the last look. One with errors, and one that is gone or blank, changes nothing: an open
  /// door has to be asked for, by `keys: []`.
  void look();
  void collect() { books_.collect(); }
  /// Why the file as it is does not hold; none when all is well.
  [[nodiscard]] std::optional<std::string> problem() const { return file_.problem(); }
  /// Notes each later reading there; must outlive this.
  void set_audit(AuditLog& audit) { file_.set_audit(audit); }
  [[nodiscard]] std::shared_ptr<const KeyBook> keys() const;

  /// False when it has answered: 204 to a preflight, 401 without a good key, 403 for what it may not, 429 over its rate.
  bool admit(const http::Request& request, http::Response& response, std::string_view pattern, std::string_view allow);
  /// Whose request it is, nullptr where no key is needed. Looked up anew, as a request may have waited since it was admitted and others have come by: one
  /// whose key is good no longer has a key to which nothing is known. Valid until the next request of that thread.
  const ApiKey* key_of(const http::Request& request);
  /// Whether no key is needed for a path.
  static bool is_open(std::string_view pattern);
  /// What a key must be good for to ask for any other path.
  static Scope scope_of(std::string_view pattern);

 private:
  /// What may become of a request with a good key.
  struct KeyCounters {
    metrics::Counter admitted;
    metrics::Counter forbidden;
    metrics::Counter limited;
  };
  struct Running {
    KeyBook book;
    std::vector<KeyCounters> counters;  ///< beside book.all()
  };
  struct alignas(64) OfThread {
    OfThread(const Published<Running>& from, metrics::Registry& registry) : reader(from), slots(registry.register_thread()) {}
    Published<Running>::Reader reader;
    metrics::ThreadSlots& slots;
  };

  void publish(KeyBook book);
  /// The key of the request, nullptr without one that is good.
  const ApiKey* find_good(const http::Request& request, const Running& running) const;
  /// False when it has answered.
  bool admit_key(const http::Request& request, http::Response& response, std::string_view pattern, const Running& running,
                 OfThread& of);

  FileFollower file_;
  CrossOrigin origins_;
  ServingMetrics* metrics_;
  metrics::Registry* registry_;
  const Clock* clock_;
  ApiKey nobody_;  ///< for which there is no data set
  metrics::Counter unknown_;
  Published<Running> books_;
  std::vector<std::unique_ptr<OfThread>> threads_;
};

}  // namespace lodestone::serving
