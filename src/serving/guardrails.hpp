#pragma once
// Guardrails at work: what visitors do is counted for the arm they were dealt, and an arm that fares worse than tolerated is switched off.

#include "base/clock.hpp"
#include "base/json.hpp"
#include "metrics/registry.hpp"
#include "serving/audit_log.hpp"
#include "serving/event_journal.hpp"
#include "serving/experiment_file.hpp"
#include "serving/release_loader.hpp"

namespace lodestone::serving {

/// add() belongs to the journal's thread, check() to another.
class Guardrails final : public EventSink {
 public:
  /// The others must outlive it.
  Guardrails(ExperimentFile& experiments, const ReleaseHolder& releases, ReleaseLoader& loader, AuditLog& audit,
             metrics::Registry& registry, const Clock& clock);

  /// Clicks and orders that name the list they came from. A visitor is dealt by its id, so the arm is computed anew, and nothing needs to be remembered of a
  /// list; what counts is that the visitor has been shown lists by that arm (GuardrailWatch).
  void add(std::span<const PostedEvent> events) override;
  /// What the journal held at the start has no lists in the counts.
  [[nodiscard]] bool wants_replay() const override { return false; }

  /// Stops variants and ends a rollout whose guardrails have tripped.
  void check();

 private:
  void check_experiments();
  void check_rollout();
  void note(const std::string& experiment, const std::string& variant, const GuardrailReading& reading,
            const std::string& sentence);

  ExperimentFile* experiments_;
  const ReleaseHolder* releases_;
  ReleaseLoader* loader_;
  AuditLog* audit_;
  metrics::Registry* registry_;
  const Clock* clock_;
  metrics::ThreadSlots* slots_;
};

/// Counts a click or an order for whoever did it.
void count_event(const PostedEvent& event, std::string_view unit, const RunningExperiments& running, const Lineup* lineup);

/// Appends an array of {"guardrail", "variant", "visitors", "of", "control_visitors", "control_of", "evidence", "trips_at", "tripped"}.
void write_guardrails(json::Writer& writer, const GuardrailWatch& watch);

}  // namespace lodestone::serving
