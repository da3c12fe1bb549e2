#pragma once
// A time split as serving would have seen it: the release of what was before a moment, and the pages of those who went on after it with what they
// did. Channel weights and rankers are learned on it, so what they learn from is made by the code that serves.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "behavior_choice.hpp"
#include "bundle/bundle.hpp"
#include "engine/page.hpp"
#include "models/release.hpp"
#include "training/latent.hpp"
#include "training_input.hpp"

namespace lodestone::app {

/// A page and what should stand on it.
struct PageCase {
  engine::PageRequest request;
  std::vector<ItemIndex> targets;  ///< ascending
  std::optional<UserId> person;    ///< whose they are; none for a guest
  std::int64_t at = 0;             ///< of the first of them, microseconds since 1970
};

struct SplitOptions {
  double later_share = 0.2;      ///< pairs after the moment, about; fewer are too few to fit rankers on
  std::size_t max_cases = 5000;  ///< of each kind of page; they are taken at even distances
  std::size_t neighbors = 100;
  std::optional<training::LatentOptions> latent = {};  ///< of the vector channel; none = without it
  int threads = 0;
  fs::path folder;  ///< where the release is packed for the while
  /// Makes the features as of the moment for the items and users of the data; empty = the release has none.
  std::function<models::OwnedRanking(const models::ReleaseData&)> features = {};
};

/// The moment: `later_share` of the newest meetings of a person with an item lie at or after it, about. Nothing without any.
std::optional<std::int64_t> split_moment(const TrainingInteractions& all, double later_share);

/// Gone with this object.
class SplitRelease {
 public:
  /// `shared` holds the items, and the lists that do not depend on who did what (content, text, words, trending); they are lent to the release and
  /// given back. Without anybody who goes on after the moment there is no release.
  SplitRelease(const TrainingInteractions& interactions, std::int64_t moment, const BehaviorModel& behavior,
               models::ReleaseData& shared, const SplitOptions& options);
  ~SplitRelease();
  SplitRelease(const SplitRelease&) = delete;
  SplitRelease& operator=(const SplitRelease&) = delete;

  /// Requires pages.
  [[nodiscard]] const models::Release& release() const { return bundle_->release(); }
  [[nodiscard]] const std::vector<PageCase>& user_pages() const { return user_pages_; }
  [[nodiscard]] const std::vector<PageCase>& item_pages() const { return item_pages_; }

 private:
  fs::path folder_;
  std::shared_ptr<const bundle::Bundle> bundle_;
  std::vector<PageCase> user_pages_;
  std::vector<PageCase> item_pages_;
};

}  // namespace lodestone::app
