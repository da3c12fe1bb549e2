#include "serving/guardrails.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/log.hpp"

namespace lodestone::serving {
namespace {

constexpr std::string_view kTripped = "guardrail_tripped_total";
constexpr std::string_view kTrippedHelp = "Variants and rollouts that a guardrail has switched off.";

}  // namespace

Guardrails::Guardrails(ExperimentFile& experiments, const ReleaseHolder& releases, ReleaseLoader& loader, AuditLog& audit,
                       metrics::Registry& registry, const Clock& clock)
    : experiments_(&experiments),
      releases_(&releases),
      loader_(&loader),
      audit_(&audit),
      registry_(&registry),
      clock_(&clock),
      slots_(&registry.register_thread()) {
  registry.declare_counter(kTripped, kTrippedHelp);
}

void count_event(const PostedEvent& event, std::string_view unit, const RunningExperiments& running, const Lineup* lineup) {
  const auto count = [&](GuardrailWatch& watch, std::size_t arm) {
    const std::uint64_t hash = GuardrailWatch::unit_hash(unit);
    event.kind == EventKind::kClick ? watch.clicked(hash, arm) : watch.ordered(hash, arm);
  };
  if (!running.watched.empty()) {
    const std::size_t place = running.experiments.assign(unit);
    for (const WatchedExperiment& one : running.watched) {
      if (const auto arm = one.arm_at(running.experiments, place)) count(*one.watch, *arm);
    }
  }
  if (lineup != nullptr && lineup->watch != nullptr)
    count(*lineup->watch, unit_bucket(lineup->terms.id, unit) < lineup->terms.share ? 1 : 0);
}

void Guardrails::add(std::span<const PostedEvent> events) {
  const auto running = experiments_->get();
  const auto lineup = releases_->lineup();
  if (running->watched.empty() && (lineup == nullptr || lineup->watch == nullptr)) return;
  for (const PostedEvent& event : events) {
    const bool counts = event.kind == EventKind::kClick || event.kind == EventKind::kOrder || event.kind == EventKind::kApiOrder;
    if (!counts || event.request_id.empty()) continue;
    const std::string unit = event.user ? std::to_string(raw(*event.user)) : event.visitor_id;
    if (!unit.empty()) count_event(event, unit, *running, lineup.get());
  }
}

void Guardrails::check() {
  try {
    check_experiments();
    check_rollout();
  } catch (const std::exception& error) {  // whatever it is, this thread must go on looking
    log_error("guardrail", "what has tripped could not be switched off: {}", error.what());
  }
}

void Guardrails::check_experiments() {
  const auto running = experiments_->get();
  for (const WatchedExperiment& one : running->watched) {
    const Experiment& experiment = running->experiments.all()[one.experiment];
    for (const GuardrailReading& reading : one.watch->readings()) {
      const std::string& variant = one.watch->arms()[reading.arm].name;
      const auto of = std::ranges::find(experiment.variants, variant, &ExperimentVariant::name);
      if (!reading.is_tripped || !of->stopped.empty()) continue;
      const std::string sentence = one.watch->describe(reading);
      note(experiment.name, variant, reading, sentence);
      experiments_->stop({experiment.name, variant, std::string(guardrail_name(reading.kind)), sentence, clock_->now(),
                          fingerprint_of(experiment)});
      return;  // what runs is another now; the next look sees the rest
    }
  }
}

void Guardrails::check_rollout() {
  const auto lineup = releases_->lineup();
  if (lineup == nullptr || lineup->watch == nullptr) return;
  for (const GuardrailReading& reading : lineup->watch->readings()) {
    if (!reading.is_tripped) continue;
    const std::string sentence = lineup->watch->describe(reading);
    const std::string id = lineup->terms.id;
    note("rollout", id, reading, sentence);  // first: who sees that it is over finds out why
    try {
      loader_->end_trial(id, "a guardrail tripped: " + sentence);
    } catch (const std::exception& error) {  // it is off here, and nobody else is told
      log_error("guardrail", "rollout {} is over on this server, but not in the store: {}", id, error.what());
    }
    return;
  }
}

void Guardrails::note(const std::string& experiment, const std::string& variant, const GuardrailReading& reading,
                      const std::string& sentence) {
  const std::string guardrail(guardrail_name(reading.kind));
  log_error("guardrail", "{} of {} is switched off: {}", variant, experiment, sentence);
  slots_->add(
      registry_->counter(kTripped, kTrippedHelp, {{"experiment", experiment}, {"variant", variant}, {"guardrail", guardrail}}));
  AuditEntry entry{.action = "guardrail", .actor = "server", .outcome = "done", .detail = sentence};
  entry.arguments.set("experiment", json::Value(experiment));
  entry.arguments.set("variant", json::Value(variant));
  entry.arguments.set("guardrail", json::Value(guardrail));
  audit_->write(entry);
}

void write_guardrails(json::Writer& writer, const GuardrailWatch& watch) {
  const GuardrailTerms& terms = watch.terms();
  const double trips_at = static_cast<double>((watch.arms().size() - 1) * terms.guardrails.size()) / terms.alpha;
  writer.begin_array();
  for (const GuardrailReading& one : watch.readings()) {
    const auto number = [](std::uint64_t n) { return static_cast<std::int64_t>(n); };
    writer.begin_object().key("guardrail").value(guardrail_name(one.kind));
    writer.key("variant").value(std::string_view(watch.arms()[one.arm].name));
    writer.key("visitors").value(number(one.n_arm)).key("of").value(number(one.n_exposed));
    writer.key("control_visitors").value(number(one.n_control)).key("control_of").value(number(one.n_control_exposed));
    writer.key("evidence").value(std::exp(std::min(one.log_evidence, 700.0))).key("trips_at").value(trips_at);
    writer.key("tripped").boolean(one.is_tripped).end_object();
  }
  writer.end_array();
}

}  // namespace lodestone::serving
