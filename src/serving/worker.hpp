#pragma once
// What the list endpoints keep by thread and by request. Internal to this folder.

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "serving/answer.hpp"
#include "serving/channel_answer.hpp"
#include "serving/external_lists.hpp"
#include "serving/list_limits.hpp"
#include "serving/page_memo.hpp"
#include "serving/recommendations.hpp"
#include "serving/request_origin.hpp"
#include "serving/running_channels.hpp"

namespace lodestone::serving {

/// Of the request that is answered now, where guardrails watch its visitor.
struct Recommendations::Watched {
  const RunningExperiments* running = nullptr;  ///< null = nobody watches
  GuardrailWatch* rollout = nullptr;            ///< null where no rollout is watched
  std::uint64_t unit = 0;                       ///< unit_hash() of the visitor
  std::size_t place = 0;                        ///< of its assignment
  Variant variant = Variant::kPrimary;
  bool is_degraded = false;
  bool is_empty = false;
};

/// What one thread keeps between requests.
struct Recommendations::Worker {
  Worker(std::size_t number_of, const ReleaseHolder& holder, const ExperimentFile& file, metrics::Registry& registry)
      : number(number_of), reader(holder), experiments(file.reader()), slots(registry.register_thread()) {
    ids.reserve(kMaxExcluded);
    exclude.reserve(kMaxExcluded);
    tokens.reserve(kMaxQueryBytes);  // a token has a byte at least
  }

  std::size_t number;  ///< of its thread
  ReleaseReader reader;
  Published<RunningExperiments>::Reader experiments;
  metrics::ThreadSlots& slots;
  engine::Scratch scratch;
  engine::Page page;
  PageMemo memo;
  SharedPage* shared = nullptr;  ///< the list that is shown, where it is one of the memo's; else it is `page`
  LiveHistory live;
  TrendingReader hot;
  std::string warm_for;        ///< id of the release that scratch and page are warm for, "" at first
  std::string warm_for_trial;  ///< the same of the one on trial
  std::uint32_t n_pages = 0;   ///< so far, to sample some of them
  std::vector<float> drift_rows;
  double shadow_due = 0;  ///< lists that the shadow is to see, of those made
  Watched watched;
  std::vector<std::int64_t> ids;
  std::vector<ItemId> exclude;
  std::vector<std::uint64_t> tokens;
  std::optional<Published<RunningChannels>::Reader> channels;  ///< none where no page ever waits for any
  const RunningChannels* running = nullptr;                    ///< those that the request hears; null = none
  std::vector<ChannelAnswers> answers;                         ///< of those that it has waited for, by list
  ExternalLists external;
  features::RequestValues values;  ///< of now
  std::int64_t new_after = 0;      ///< items created later than this (microseconds since 1970) are new

  [[nodiscard]] const engine::Page& shown() const { return shared != nullptr ? shared->page : page; }
};

/// One request, read.
struct Recommendations::Asked : Assigned {
  Endpoint endpoint = Endpoint::kSimilar;
  engine::PageRequest page;
  std::optional<engine::Filter> filter;
  Detail detail = Detail::kScored;
  /// Who asks: a user id, else a visitor id, "" for neither. What one visitor sees follows from it.
  std::string_view unit;
  std::array<char, 24> user_text{};  ///< where a user's unit lies
  std::string_view visitor;
  std::string_view slot;        ///< of a page of several lists
  std::size_t list = 0;         ///< its number there
  const ApiKey* key = nullptr;  ///< of who asks; null = none is needed
  bool has_key = false;         ///< whether `key` was looked for
  RequestOrigin origin;

  // What follows from who asks.
  std::uint64_t lineup = 0;               ///< Lineup::serial
  const LoadedRelease* shadow = nullptr;  ///< whom the page is to be shown to as well
  double shadow_share = 0;
  const ExposureCounters* exposures = nullptr;
  models::ChannelWeights weights;  ///< of the assignment, when it changes any
  bool is_bundle_only = false;     ///< a channel that should have been heard was late or failed

  void set_unit(std::int64_t user) {
    const auto end = std::to_chars(user_text.data(), user_text.data() + user_text.size(), user).ptr;
    unit = std::string_view(user_text.data(), end);
  }

  [[nodiscard]] Degrade degrade_of(const engine::Page& of) const {
    if (of.is_cut) return Degrade::kDeadline;
    if (!of.degrade_reason.empty()) return Degrade::kNoCandidates;
    if (is_bundle_only) return Degrade::kChannelLate;
    return of.unranked != engine::Unranked::kNot ? Degrade::kUnranked : Degrade::kNone;
  }
  /// True when the caller left out items, so that an empty list may be just what was asked for.
  [[nodiscard]] bool is_narrowed() const { return page.filter != nullptr || !page.exclude.empty() || !page.query_tokens.empty(); }
};

/// Whether lists of an endpoint may hear channels that wait.
bool may_wait(Endpoint endpoint);

/// 503 and when to come again.
void answer_unavailable(http::Response& response, std::string_view detail);

}  // namespace lodestone::serving
