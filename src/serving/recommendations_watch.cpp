// What the guardrails learn from an answer.

#include "serving/worker.hpp"

namespace lodestone::serving {

void Recommendations::watch(const Worker& worker, int status, double seconds) {
  if (status >= 400 && status < 500) return;  // the caller's own fault, whatever the arm
  const Watched& watched = worker.watched;
  const GuardrailWatch::Answer answer{
      .is_error = status >= 500, .is_degraded = watched.is_degraded, .is_empty = watched.is_empty, .seconds = seconds};
  for (const WatchedExperiment& one : watched.running->watched) {
    if (const auto arm = one.arm_at(watched.running->experiments, watched.place)) one.watch->answered(watched.unit, *arm, answer);
  }
  if (watched.rollout != nullptr) watched.rollout->answered(watched.unit, watched.variant == Variant::kRollout ? 1 : 0, answer);
}

}  // namespace lodestone::serving
