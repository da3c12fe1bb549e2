#include "split_release.hpp"

#include <algorithm>

#include "release_models.hpp"

namespace lodestone::app {
namespace {

/// Row of the matrix without the pairs from `moment` on, and what those were.
void split_row(const TrainingInteractions& all, std::size_t u, std::int64_t moment, TrainingInteractions& before,
               PageCase& user_page, PageCase& item_page) {
  const models::Interactions& x = all.matrix;
  std::int64_t newest = 0;
  for (std::uint64_t at = x.offsets[u]; at < x.offsets[u + 1]; ++at) {
    if (all.last_at[at] >= moment) {
      user_page.at = user_page.targets.empty() ? all.last_at[at] : std::min(user_page.at, all.last_at[at]);
      user_page.targets.push_back(x.items[at]);
      continue;
    }
    before.matrix.items.push_back(x.items[at]);
    before.matrix.weights.push_back(x.weights[at]);
    before.last_at.push_back(all.last_at[at]);
    if (!item_page.request.item || all.last_at[at] > newest) {
      newest = all.last_at[at];
      item_page.request.item = x.items[at];
    }
  }
  before.matrix.offsets.push_back(before.matrix.items.size());
}

/// At most `n`, at even distances.
void thin(std::vector<PageCase>& cases, std::size_t n) {
  if (cases.size() <= n) return;
  for (std::size_t k = 0; k < n; ++k) {
    if (k * cases.size() / n != k) cases[k] = std::move(cases[k * cases.size() / n]);
  }
  cases.resize(n);
}

}  // namespace

std::optional<std::int64_t> split_moment(const TrainingInteractions& all, double later_share) {
  if (all.last_at.empty()) return std::nullopt;
  std::vector<std::int64_t> times = all.last_at;
  const auto place = static_cast<std::size_t>((1 - later_share) * static_cast<double>(times.size() - 1));
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(place), times.end());
  return times[place];
}

SplitRelease::SplitRelease(const TrainingInteractions& interactions, std::int64_t moment, const BehaviorModel& behavior,
                           models::ReleaseData& shared, const SplitOptions& options)
    : folder_(options.folder / fmt::format("{}split", bundle::kUnfinishedPrefix)) {
  TrainingInteractions before;
  before.user_ids = interactions.user_ids;
  before.matrix.n_items = interactions.matrix.n_items;
  for (std::size_t u = 0; u < interactions.matrix.n_users(); ++u) {
    PageCase user_page;
    PageCase item_page;
    split_row(interactions, u, moment, before, user_page, item_page);
    if (user_page.targets.empty() || !item_page.request.item) continue;
    item_page.request.kind = engine::PageKind::kSimilar;
    item_page.targets = user_page.targets;
    item_page.at = user_page.at;
    if (u < interactions.user_ids.size()) item_page.person = user_page.person = UserId(interactions.user_ids[u]);
    item_pages_.push_back(std::move(item_page));
    if (u >= interactions.user_ids.size()) continue;  // a guest has no page of his own
    user_page.request.kind = engine::PageKind::kUser;
    user_page.request.user = UserId(interactions.user_ids[u]);
    user_pages_.push_back(std::move(user_page));
  }
  thin(user_pages_, options.max_cases);
  thin(item_pages_, options.max_cases);
  if (item_pages_.empty()) return;

  models::ReleaseData data = std::move(shared);
  fit_channels(before, behavior.fit(before.matrix), options.latent, options.neighbors, options.threads, data);
  data.users = make_users(before);
  sample_near_users(before, data);
  before = {};
  if (options.features) data.ranking = options.features(data);
  fs::remove_all(folder_);
  bundle_ = bundle::Bundle::open(folder_ / bundle::pack(data, {}, folder_));
  shared.items = std::move(data.items);
  shared.content = std::move(data.content);
  shared.text = std::move(data.text);
  shared.words = std::move(data.words);
  shared.trending = std::move(data.trending);
}

SplitRelease::~SplitRelease() {
  bundle_.reset();
  std::error_code ignored;  // the next pack removes what is left
  fs::remove_all(folder_, ignored);
}

}  // namespace lodestone::app
