#pragma once
// The endpoints that answer with lists: /similar, /recommend/detail, /recommend/user, /recommend/page, /hot/trending, /search.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "engine/recommender.hpp"
#include "http/parameters.hpp"
#include "http/router.hpp"
#include "metrics/registry.hpp"
#include "serving/access.hpp"
#include "serving/assignment.hpp"
#include "serving/experiment_file.hpp"
#include "serving/exposure_log.hpp"
#include "serving/live_trending.hpp"
#include "serving/live_visitors.hpp"
#include "serving/release_holder.hpp"
#include "serving/serving_metrics.hpp"
#include "serving/shadow.hpp"

namespace lodestone::serving {

class WaitingChannels;
struct ChannelAsk;
struct RunningChannels;

/// Handlers run on the thread that the request names and use that thread's memory only.
class Recommendations {
 public:
  Recommendations(const ReleaseHolder& releases, const ExperimentFile& experiments, Shadow& shadow, ServingMetrics& metrics,
                  metrics::Registry& registry, const Clock& clock, int n_threads);
  ~Recommendations();
  Recommendations(const Recommendations&) = delete;
  Recommendations& operator=(const Recommendations&) = delete;

  void add_routes(http::Router& router);
  /// Notes every list that is shown there; before the first request. nullptr = nowhere.
  void set_exposure_log(ExposureLog* log) { exposure_log_ = log; }
  /// Keys narrow what is shown; before the first request. nullptr = nobody has one.
  void set_access(Access& access) { access_ = &access; }
  /// How long a request may take from its last byte on; its lists are cut short then. Before the first request.
  void set_request_timeout(std::chrono::nanoseconds most) { request_timeout_ = most; }
  /// How much of it the rankers may take. Before the first request.
  void set_ranking_timeout(std::chrono::nanoseconds most) { ranking_timeout_ = most; }
  /// Of pages from now on. Any thread.
  void set_tuning(const PageTuning& tuning);
  [[nodiscard]] PageTuning tuning() const;

  /// A request that was refused without being looked at, on its thread.
  void count_shed(const http::Request& request);

  /// What happened since the release was made; both must outlive this. Before the first request.
  void set_live(const LiveVisitors& visitors, const LiveTrending& trending) {
    visitors_ = &visitors;
    trending_ = &trending;
  }

  /// Channels that wait; before add_routes(). They must outlive this.
  void set_channels(WaitingChannels& channels);

  /// On each thread before its first request and once a second: lets go of a replaced release although no request comes, and makes pages
  /// on that thread's memory when the release is new, so that first requests find it grown.
  void tick(int thread);
  /// Whether every thread has made its memory warm for a release at least once. Any thread.
  [[nodiscard]] bool are_warm() const { return n_warm_.load(std::memory_order_acquire) == workers_.size(); }
  /// Waits for that; needs a release and running threads.
  void wait_until_warm() const;

 private:
  struct Worker;
  struct Asked;
  struct Watched;
  using Build = void (Recommendations::*)(const http::Request&, Worker&, const Lineup&, http::Response&);

  void add(http::Router& router, std::string_view pattern, Endpoint endpoint, Build build,
           http::Method method = http::Method::kGet);
  /// `running` are the channels that wait, where the endpoint hears any; null = it hears none.
  void answer(Endpoint endpoint, Build build, const http::Request& request, http::Response& response,
              const RunningChannels* running = nullptr);
  std::unique_ptr<http::Deferred> answer_or_wait(Endpoint endpoint, Build build, const http::Request& request,
                                                 http::Response& response);
  [[nodiscard]] std::vector<ChannelAsk> asks_of(Endpoint endpoint, const http::Request& request, Worker& worker) const;
  /// Until when a request waits for channels: there must be time left to make its lists.
  [[nodiscard]] std::chrono::steady_clock::time_point time_to_wait(std::chrono::steady_clock::time_point started) const {
    return started + request_timeout_ - request_timeout_ / kShareOfPage;
  }
  void bind_channels(Asked& asked, Worker& worker) const;
  void similar(const http::Request& request, Worker& worker, const Lineup& lineup, http::Response& response);
  void detail(const http::Request& request, Worker& worker, const Lineup& lineup, http::Response& response);
  void user(const http::Request& request, Worker& worker, const Lineup& lineup, http::Response& response);
  void trending(const http::Request& request, Worker& worker, const Lineup& lineup, http::Response& response);
  void page(const http::Request& request, Worker& worker, const Lineup& lineup, http::Response& response);
  void search(const http::Request& request, Worker& worker, const Lineup& lineup, http::Response& response);

  void about_item(const http::Request& request, Worker& worker, http::Response& response, std::string_view list_name,
                  Asked& asked);
  void read_common(const http::Request& request, const http::Parameters& parameters, Worker& worker, Asked& asked) const;
  /// Chooses the release and the variants of experiments for whoever asks.
  void assign(const http::Request& request, Asked& asked, Worker& worker, const Lineup& lineup) const;
  /// Finds the key of the request, once.
  void find_key(const http::Request& request, Asked& asked) const;
  /// Leaves out what the key of the request has no part in.
  void narrow(const http::Request& request, Asked& asked) const;
  /// Whether the data set is there for the key of the request.
  bool may_see(const http::Request& request, Worker& worker, Asked& asked, ItemIndex item) const;
  /// Tells the guardrails of an answer to a visitor of theirs.
  static void watch(const Worker& worker, int status, double seconds);
  /// Makes the page, counts and logs it; false when there is nothing to show, which is answered.
  bool make_page(const http::Request& request, Asked& asked, Worker& worker, http::Response& response);
  void expose(const http::Request& request, const Asked& asked, Worker& worker) const;
  void count_page(const Asked& asked, Worker& worker) const;
  void count_sample(const Asked& asked, Worker& worker, const engine::RecallTrace& trace) const;
  /// Writes the items of the page that was made; gives their tag, which is a whole answer's only where they are all that it shows.
  static std::uint64_t put_items(const Asked& asked, Worker& worker, http::Response& response);
  static void finish_list(const http::Request& request, const Asked& asked, http::Response& response);

  Shadow* shadow_;
  ServingMetrics* metrics_;
  const Clock* clock_;
  ExposureLog* exposure_log_ = nullptr;
  Access* access_ = nullptr;
  const LiveVisitors* visitors_ = nullptr;
  const LiveTrending* trending_ = nullptr;
  static constexpr int kShareOfPage = 20;  ///< 5 ms of 100
  std::chrono::nanoseconds request_timeout_ = std::chrono::milliseconds(100);
  std::chrono::nanoseconds ranking_timeout_ = std::chrono::milliseconds(30);
  WaitingChannels* channels_ = nullptr;  ///< null when no page ever waits for any
  std::vector<std::unique_ptr<Worker>> workers_;
  /// Paths of the lists up to their parameter.
  struct Pattern {
    std::string begin;
    Endpoint endpoint;
  };
  std::vector<Pattern> patterns_;
  std::atomic<std::size_t> n_warm_{0};
  std::atomic<std::size_t> vector_ef_{PageTuning{}.vector_ef};
  std::atomic<float> diversity_{0};
  std::atomic<float> exploration_{0};
};

}  // namespace lodestone::serving
