#include "serving/release_holder.hpp"

#include <utility>

namespace lodestone::serving {

void ReleaseHolder::set(ReleasePointer next) {
  Lineup lineup;
  if (const auto before = lineups_.get()) lineup = *before;
  if (lineup.trial && lineup.trial->release().id == next->release().id) lineup.trial.reset();
  lineup.current = std::move(next);
  replace(std::move(lineup));
}

void ReleaseHolder::set_trial(ReleasePointer trial, bundle::Trial terms) { replace({get(), std::move(trial), std::move(terms)}); }

void ReleaseHolder::end_trial() { replace({get(), nullptr, {}}); }

void ReleaseHolder::replace(Lineup next) { lineups_.set(std::make_shared<const Lineup>(std::move(next))); }

ReleasePointer ReleaseHolder::get() const {
  const auto now = lineups_.get();
  return now ? now->current : nullptr;
}

}  // namespace lodestone::serving
