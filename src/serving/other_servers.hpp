#pragma once
// What a server has to do with other servers: the thread that waits for them, the channels and tiers behind it, and the events they share.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cache/io_loop.hpp"
#include "serving/audit_log.hpp"
#include "serving/event_share.hpp"
#include "serving/file_follower.hpp"
#include "serving/release_holder.hpp"
#include "serving/waiting_channels.hpp"

namespace lodestone::serving {

/// start and stop belong to one thread.
class OtherServers {
 public:
  /// Reads the channels' file, which need not be there; throws invalid_argument with all its errors. Events are shared where `shares_events`
  /// and a Redis for them is named.
  OtherServers(const fs::path& channels_file, const CacheOptions& options, bool shares_events, ServingMetrics& metrics,
               metrics::Registry& registry, const Clock& clock);

  WaitingChannels& channels() { return channels_; }
  /// nullptr = they are not shared.
  EventShare* event_share() { return event_share_.get(); }

  /// Reads the channels' file if it is another one than at the last look. A file with errors changes nothing; one that is gone ends all channels. One
  /// thread, that of look().
  void look_at_channels();
  /// Why the file as it is does not hold; none when all is well. Any thread.
  [[nodiscard]] std::optional<std::string> channels_problem() const { return file_.problem(); }
  /// Notes each later reading of it there; must outlive this.
  void set_audit(AuditLog& audit) { file_.set_audit(audit); }

  void start();
  /// Gives the events of others to the journal, once it is read.
  void follow_events(EventJournal& journal);
  /// After the journal: what it has stored last is still sent, if that takes no longer than a moment.
  void stop();
  /// Once a second, with the release that answers, if there is one; one thread.
  void look(const LoadedRelease* release);

  /// "none", "local", "redis" or "degraded". Any thread.
  [[nodiscard]] std::string_view cache_state() const;

 private:
  cache::IoLoop loop_;
  std::string origin_;  ///< by which the others tell this one
  WaitingChannels channels_;
  FileFollower file_;
  ServingMetrics* metrics_;
  std::unique_ptr<EventShare> event_share_;
  std::string popular_of_;  ///< id of the release whose popular items the channels know
};

}  // namespace lodestone::serving
