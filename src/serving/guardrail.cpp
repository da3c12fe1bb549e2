#include "serving/guardrail.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "serving/sequential_evidence.hpp"

namespace lodestone::serving {

std::string_view guardrail_name(GuardrailKind kind) {
  switch (kind) {
    case GuardrailKind::kClickRate: return "click_rate";
    case GuardrailKind::kOrderRate: return "order_rate";
    case GuardrailKind::kErrorRate: return "error_rate";
    case GuardrailKind::kDegradedRate: return "degraded_rate";
    case GuardrailKind::kEmptyRate: return "empty_rate";
    case GuardrailKind::kSlowRate: return "slow_rate";
  }
  return "";
}

GuardrailTerms terms_of(const RolloutLimits& limits) {
  GuardrailTerms out;
  out.alpha = limits.alpha;
  out.min_exposures = limits.min_exposures;
  if (limits.max_drop < RolloutLimits::kNoDrop) {
    for (const GuardrailKind kind : {GuardrailKind::kClickRate, GuardrailKind::kOrderRate})
      out.guardrails.push_back({kind, limits.max_drop});
  }
  if (limits.max_rise < RolloutLimits::kNoRise) {
    for (const GuardrailKind kind : {GuardrailKind::kErrorRate, GuardrailKind::kDegradedRate, GuardrailKind::kEmptyRate})
      out.guardrails.push_back({kind, limits.max_rise});
  }
  return out;
}

bool GuardrailWatch::Seen::has(std::uint64_t unit) const {
  return (bits[unit / 64].load(std::memory_order_relaxed) >> (unit % 64) & 1U) != 0;
}

void GuardrailWatch::Seen::add(std::uint64_t unit, std::size_t arm) {
  if (has(unit)) return;  // the common case writes nothing
  const std::uint64_t bit = std::uint64_t{1} << (unit % 64);
  if ((bits[unit / 64].fetch_or(bit, std::memory_order_relaxed) & bit) == 0) counts[arm].fetch_add(1, std::memory_order_relaxed);
}

GuardrailWatch::GuardrailWatch(GuardrailTerms terms, std::vector<GuardrailArm> arms)
    : terms_(std::move(terms)), arms_(std::move(arms)) {
  LODESTONE_ASSERT(arms_.size() >= 2 && arms_.size() <= kMaxArms, "{} arms", arms_.size());
  for (const Guardrail& one : terms_.guardrails) {
    seen_[static_cast<std::size_t>(one.kind)] = std::make_unique<Seen>();
    if (one.kind == GuardrailKind::kSlowRate) slow_seconds_ = one.slow_seconds;
  }
}

std::uint64_t GuardrailWatch::unit_hash(std::string_view unit) { return xxh3(unit, 0x6775617264ULL) % kUnits; }

void GuardrailWatch::answered(std::uint64_t unit, std::size_t arm, const Answer& answer) {
  exposed_.add(unit, arm);
  if (answer.is_error) happened(GuardrailKind::kErrorRate, unit, arm);
  if (answer.is_degraded) happened(GuardrailKind::kDegradedRate, unit, arm);
  if (answer.is_empty) happened(GuardrailKind::kEmptyRate, unit, arm);
  if (answer.seconds > slow_seconds_) happened(GuardrailKind::kSlowRate, unit, arm);
}

void GuardrailWatch::happened(GuardrailKind kind, std::uint64_t unit, std::size_t arm) {
  Seen* seen = seen_[static_cast<std::size_t>(kind)].get();
  if (seen != nullptr && exposed_.has(unit)) seen->add(unit, arm);
}

std::vector<GuardrailReading> GuardrailWatch::readings() const {
  std::vector<GuardrailReading> out;
  // Bonferroni: what is watched shares alpha.
  const double limit = std::log(static_cast<double>((arms_.size() - 1) * terms_.guardrails.size()) / terms_.alpha);
  for (std::size_t arm = 1; arm < arms_.size(); ++arm) {
    for (const Guardrail& one : terms_.guardrails) {
      const Seen& seen = *seen_[static_cast<std::size_t>(one.kind)];
      GuardrailReading reading{.arm = arm,
                               .kind = one.kind,
                               .n_exposed = exposed_.counts[arm].load(std::memory_order_relaxed),
                               .n_control_exposed = exposed_.counts[0].load(std::memory_order_relaxed),
                               .n_arm = seen.counts[arm].load(std::memory_order_relaxed),
                               .n_control = seen.counts[0].load(std::memory_order_relaxed)};
      const bool drops = is_bad_to_drop(one.kind);
      const double share = share_at_ratio(arms_[arm].share, arms_[0].share, drops ? 1 - one.tolerance : 1 + one.tolerance);
      const std::uint64_t n = reading.n_arm + reading.n_control;
      reading.log_evidence =
          drops ? log_evidence_of_drop(reading.n_arm, n, share) : log_evidence_of_rise(reading.n_arm, n, share);
      reading.is_tripped = reading.log_evidence >= limit && reading.n_exposed >= terms_.min_exposures;
      out.push_back(reading);
    }
  }
  return out;
}

std::string GuardrailWatch::describe(const GuardrailReading& reading) const {
  return fmt::format("{}: {} of {} visitors of {}, {} of {} of control; evidence {:.3g} to 1", guardrail_name(reading.kind),
                     reading.n_arm, reading.n_exposed, arms_[reading.arm].name, reading.n_control, reading.n_control_exposed,
                     std::exp(std::min(reading.log_evidence, 700.0)));
}

}  // namespace lodestone::serving
