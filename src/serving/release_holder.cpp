#include "serving/release_holder.hpp"

#include <utility>

namespace lodestone::serving {

void ReleaseHolder::set(ReleasePointer next) {
  const std::lock_guard lock(change_mutex_);
  Lineup lineup;
  if (const auto before = lineups_.get()) lineup = *before;
  if (lineup.trial && lineup.trial->release().id == next->release().id) lineup.trial.reset();
  lineup.current = std::move(next);
  watch(lineup);
  replace(std::move(lineup));
}

void ReleaseHolder::set_trial(ReleasePointer trial, bundle::Trial terms) {
  const std::lock_guard lock(change_mutex_);
  Lineup lineup;
  lineup.current = get();
  lineup.trial = std::move(trial);
  lineup.terms = std::move(terms);
  watch(lineup);
  replace(std::move(lineup));
}

void ReleaseHolder::end_trial() {
  const std::lock_guard lock(change_mutex_);
  Lineup lineup;
  lineup.current = get();
  replace(std::move(lineup));
}

void ReleaseHolder::set_rules(std::shared_ptr<const engine::RuleBook> book) {
  const std::lock_guard lock(change_mutex_);
  book_ = std::move(book);
  if (const auto now = lineups_.get()) replace(*now);
}

void ReleaseHolder::watch(Lineup& next) const {
  next.watch.reset();
  const double share = next.terms.share;
  if (!next.trial || next.terms.mode != bundle::TrialMode::kRollout || !(share > 0 && share < 1)) return;
  RolloutLimits limits = rollout_limits_;
  limits.max_drop = next.terms.max_drop.value_or(limits.max_drop);
  limits.max_rise = next.terms.max_rise.value_or(limits.max_rise);
  GuardrailTerms terms = terms_of(limits);
  if (terms.guardrails.empty()) return;
  next.watch =
      std::make_shared<GuardrailWatch>(std::move(terms), std::vector<GuardrailArm>{{"control", 1 - share}, {"rollout", share}});
}

void ReleaseHolder::replace(Lineup next) {
  const auto bind = [&](const ReleasePointer& release) {
    const bool any = release && book_ && !book_->empty();
    return any ? std::make_shared<const engine::Rules>(*book_, release->release().catalog) : nullptr;
  };
  next.current_rules = bind(next.current);
  next.trial_rules = bind(next.trial);
  next.serial = ++last_serial_;
  lineups_.set(std::make_shared<const Lineup>(std::move(next)));
}

ReleasePointer ReleaseHolder::get() const {
  const auto now = lineups_.get();
  return now ? now->current : nullptr;
}

}  // namespace lodestone::serving
