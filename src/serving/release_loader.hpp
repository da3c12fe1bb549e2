#pragma once
// Brings releases in: opens and verifies a bundle, warms it, then swaps it in. Follows CURRENT of the bundle store. A bundle that
// cannot be loaded is refused with a log line and counted, and the old one goes on.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "bundle/store.hpp"
#include "serving/release_holder.hpp"
#include "serving/serving_metrics.hpp"

namespace lodestone::serving {

/// Safe from many threads; loads run one after the other, never on a thread that answers public requests.
class ReleaseLoader {
 public:
  /// `make_demo` makes the answer of /demo for a release; may be empty.
  ReleaseLoader(bundle::BundleStore store, ReleaseHolder& releases, ServingMetrics& metrics, const Clock& clock,
                std::function<std::string(const models::Release&)> make_demo);
  ~ReleaseLoader();
  ReleaseLoader(const ReleaseLoader&) = delete;
  ReleaseLoader& operator=(const ReleaseLoader&) = delete;

  [[nodiscard]] const bundle::BundleStore& store() const { return store_; }

  /// Loads what CURRENT names, if that is another file than at the last look. Refusals are logged, counted and remembered.
  void look();

  /// Loads CURRENT now, whatever was looked at before. Throws as Bundle::open does; not_found without CURRENT. Returns the id.
  std::string reload_current();
  /// Loads `id` and makes it current. Throws as BundleStore and Bundle::open do; then nothing has changed.
  void load(const std::string& id);
  /// Makes the newest bundle older than the current one current, and loads it. Returns its id.
  std::string roll_back();

  /// Why the bundle that CURRENT names is not the one that answers; none when all is well.
  [[nodiscard]] std::optional<std::string> last_refusal() const;

  /// Looks every `interval` on a thread of its own, until stop(); also the housekeeping of releases and of rolling metrics.
  void start(std::chrono::milliseconds interval);
  void stop();

 private:
  struct Stamp {
    std::int64_t inode = 0;
    std::int64_t changed_ns = 0;
    std::int64_t size = -1;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  [[nodiscard]] Stamp stamp() const;
  ReleasePointer open(const std::string& id) const;
  void swap_in(ReleasePointer next);
  void refuse(const std::string& sentence);
  void run(std::chrono::milliseconds interval);

  const bundle::BundleStore store_;
  ReleaseHolder* releases_;
  ServingMetrics* metrics_;
  const Clock* clock_;
  std::function<std::string(const models::Release&)> make_demo_;

  std::mutex load_mutex_;  ///< held for a whole load; guards seen_
  Stamp seen_;
  mutable std::mutex state_mutex_;  ///< guards refusal_ and is_stopping_
  std::optional<std::string> refusal_;
  bool is_stopping_ = false;
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace lodestone::serving
