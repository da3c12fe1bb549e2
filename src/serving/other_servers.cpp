#include "serving/other_servers.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <random>
#include <thread>

#include "base/error.hpp"
#include "base/log.hpp"

namespace lodestone::serving {
namespace {

std::string make_origin() {
  std::random_device random;
  return fmt::format("{}-{:08x}{:08x}", ::getpid(), random(), random());
}

EventShare::Options share_options(const CacheOptions& options) {
  EventShare::Options out;
  out.store.client.url = *options.feature;
  out.store.client.trust = options.redis_trust;
  out.store.breaker = options.breaker;
  out.store.set_timeout = options.set_timeout;
  return out;
}

}  // namespace

OtherServers::OtherServers(const fs::path& channels_file, const CacheOptions& options, bool shares_events,
                           ServingMetrics& metrics, metrics::Registry& registry, const Clock& clock)
    : origin_(make_origin()),
      channels_(loop_, options, origin_, metrics, registry),
      file_("channels", channels_file),
      metrics_(&metrics) {
  look_at_channels();
  // A wrong file is no server: channels decide what visitors see.
  if (const auto problem = file_.problem()) fail(ErrorCode::kInvalidArgument, "{}", *problem);
  if (!shares_events || !options.feature) return;
  event_share_ = std::make_unique<EventShare>(loop_, share_options(options), origin_, channels_.metrics(), registry, clock);
}

void OtherServers::look_at_channels() {
  const FileFollower::Look look = file_.look([this](std::string_view text, const std::string& name) {
    ChannelBook book = parse_channels(text, name, channels_.options().request_timeout);
    log_info("serving", "{} channels outside of this process", book.channels.size());
    channels_.set_book(std::move(book));
    popular_of_.clear();  // new ones have not been asked about what is popular
  });
  if (look == FileFollower::Look::kSame) return;
  metrics_->count_file_read(WatchedFile::kChannels, look == FileFollower::Look::kTaken ? ServingMetrics::Reload::kLoaded
                                                                                       : ServingMetrics::Reload::kRefused);
}

void OtherServers::start() {
  channels_.start();
  loop_.start();
}

void OtherServers::follow_events(EventJournal& journal) {
  if (event_share_) event_share_->start(journal);
}

void OtherServers::stop() {
  constexpr std::chrono::milliseconds kMoment{200};
  const auto until = std::chrono::steady_clock::now() + kMoment;
  while (event_share_ && event_share_->n_on_the_way() > 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  loop_.stop();
}

void OtherServers::look(const LoadedRelease* release) {
  channels_.collect();
  channels_.update_gauges();
  if (event_share_) event_share_->update_gauges();
  if (release == nullptr || release->release().id == popular_of_) return;
  popular_of_ = release->release().id;
  std::vector<std::int64_t> items;
  for (const ItemIndex item : release->release().popular.row(0).items) items.push_back(raw(release->release().catalog.id(item)));
  channels_.set_popular(std::move(items));
}

std::string_view OtherServers::cache_state() const {
  return event_share_ && !event_share_->is_well() ? "degraded" : channels_.cache_state();
}

}  // namespace lodestone::serving
