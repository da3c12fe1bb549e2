#pragma once
// What a server has to do with other servers: the thread that waits for them, the channels and tiers behind it, and the events they share.

#include <memory>
#include <string>
#include <string_view>

#include "cache/io_loop.hpp"
#include "serving/event_share.hpp"
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
  [[nodiscard]] std::vector<std::string> channel_names() const;

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
  std::unique_ptr<EventShare> event_share_;
  std::string popular_of_;  ///< id of the release whose popular items the channels know
};

}  // namespace lodestone::serving
