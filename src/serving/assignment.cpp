#include "serving/assignment.hpp"

namespace lodestone::serving {

Assigned assign_unit(const Lineup& lineup, const RunningExperiments& running, std::string_view unit) {
  Assigned out;
  out.release = lineup.current.get();
  out.rules = lineup.current_rules.get();
  const bool is_rollout = lineup.trial && lineup.terms.mode == bundle::TrialMode::kRollout;
  if (is_rollout && !unit.empty() && unit_bucket(lineup.terms.id, unit) < lineup.terms.share) {
    out.release = lineup.trial.get();
    out.rules = lineup.trial_rules.get();
    out.variant = Variant::kRollout;
    out.run_id = lineup.terms.run_id;
  }
  out.place = unit.empty() || !running.experiments.any_active() ? 0 : running.experiments.assign(unit);
  out.assignment = &running.experiments.assignments()[out.place];
  return out;
}

void tune_page(const PageTuning& tuning, const Assigned& assigned, models::ChannelWeights& weights, engine::PageRequest& page) {
  page.rules = assigned.rules;
  page.vector_ef = tuning.vector_ef;
  page.diversity = static_cast<float>(tuning.diversity);
  page.exploration = static_cast<float>(tuning.exploration);
  if (assigned.place == 0) return;
  const PageParameters& parameters = assigned.assignment->parameters;
  weights = assigned.release->release().weights;
  for (std::size_t w = 0; w < parameters.weights.size(); ++w) {
    if (parameters.weights[w]) weights.*models::kWeightFields[w].field = *parameters.weights[w];
  }
  page.weights = &weights;
  page.with_ranker = parameters.ranker.value_or(true);
  page.vector_ef = parameters.vector_ef.value_or(page.vector_ef);
  page.diversity = static_cast<float>(parameters.diversity.value_or(page.diversity));
  page.exploration = static_cast<float>(parameters.exploration.value_or(page.exploration));
}

}  // namespace lodestone::serving
