#pragma once
// What a variant or a new release must not make worse, and the counts by which it is known.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone::serving {

/// What is counted: visitors to whom it happened once at least. The numbers index arrays.
enum class GuardrailKind : std::uint8_t {
  kClickRate,     ///< "click_rate": clicked an item of a list; must not drop
  kOrderRate,     ///< "order_rate": ordered one; must not drop
  kErrorRate,     ///< "error_rate": an answer with a status from 500 on; must not rise
  kDegradedRate,  ///< "degraded_rate": a list from a fallback; must not rise
  kEmptyRate,     ///< "empty_rate": nothing to show, a 503; must not rise
  kSlowRate,      ///< "slow_rate": an answer that took longer than `slow_seconds`; must not rise
};
inline constexpr std::size_t kGuardrailKinds = 6;
std::string_view guardrail_name(GuardrailKind kind);
/// Whether it is a drop that is bad.
constexpr bool is_bad_to_drop(GuardrailKind kind) {
  return kind == GuardrailKind::kClickRate || kind == GuardrailKind::kOrderRate;
}

struct Guardrail {
  GuardrailKind kind = GuardrailKind::kClickRate;
  double tolerance = 0;       ///< relative change to the worse that is let pass, 0.1 = a tenth; of drops below 1
  double slow_seconds = 0.1;  ///< of kSlowRate
};

struct GuardrailTerms {
  std::vector<Guardrail> guardrails;
  double alpha = 0.01;                ///< chance that any of them ever trips although nothing is worse than tolerated
  std::uint64_t min_exposures = 100;  ///< visitors of a variant who have seen lists, before it can trip
};

/// What ends a rollout: changes to the worse, relative, of its visitors beside the others.
struct RolloutLimits {
  static constexpr double kNoDrop = 1;    ///< of max_drop: clicks and orders are not watched
  static constexpr double kNoRise = 100;  ///< of max_rise: errors, fallbacks and empty answers are not watched
  double max_drop = kNoDrop;
  double max_rise = kNoRise;
  double alpha = 0.01;                ///< of GuardrailTerms
  std::uint64_t min_exposures = 100;  ///< of GuardrailTerms
};
GuardrailTerms terms_of(const RolloutLimits& limits);

/// One part of the visitors.
struct GuardrailArm {
  std::string name;
  double share = 0;
};

/// What has been seen of one guardrail in one arm beside control.
struct GuardrailReading {
  std::size_t arm = 0;
  GuardrailKind kind = GuardrailKind::kClickRate;
  std::uint64_t n_exposed = 0;  ///< visitors of the arm
  std::uint64_t n_control_exposed = 0;
  std::uint64_t n_arm = 0;  ///< to whom it happened
  std::uint64_t n_control = 0;
  double log_evidence = 0;  ///< natural logarithm; it trips at that of 1 / alpha, divided among what is watched
  bool is_tripped = false;
};

/// Counts for one dealing of visitors. Safe from many threads; no call waits or allocates but readings().
class GuardrailWatch {
 public:
  static constexpr std::size_t kMaxArms = 32;

  /// `arms[0]` is control; at least two, each with a share above 0.
  GuardrailWatch(GuardrailTerms terms, std::vector<GuardrailArm> arms);

  /// The place of a visitor in the counts: visitors that share one, of 2^20, count as one.
  static std::uint64_t unit_hash(std::string_view unit);

  /// The visitor got an answer in that arm; `is_slow` etc. say what was wrong with it.
  struct Answer {
    bool is_error = false;
    bool is_degraded = false;
    bool is_empty = false;
    double seconds = 0;
  };
  void answered(std::uint64_t unit, std::size_t arm, const Answer& answer);
  /// The visitor clicked or ordered; counted where it has got an answer before.
  void clicked(std::uint64_t unit, std::size_t arm) { happened(GuardrailKind::kClickRate, unit, arm); }
  void ordered(std::uint64_t unit, std::size_t arm) { happened(GuardrailKind::kOrderRate, unit, arm); }

  [[nodiscard]] const GuardrailTerms& terms() const { return terms_; }
  [[nodiscard]] const std::vector<GuardrailArm>& arms() const { return arms_; }
  /// Of every arm but control and every guardrail.
  [[nodiscard]] std::vector<GuardrailReading> readings() const;
  /// A sentence about one.
  [[nodiscard]] std::string describe(const GuardrailReading& reading) const;

 private:
  static constexpr std::uint64_t kUnits = std::uint64_t{1} << 20U;
  /// Who has been counted, and how many in each arm.
  struct Seen {
    std::vector<std::atomic<std::uint64_t>> bits = std::vector<std::atomic<std::uint64_t>>(kUnits / 64);
    std::array<std::atomic<std::uint64_t>, kMaxArms> counts{};

    [[nodiscard]] bool has(std::uint64_t unit) const;
    void add(std::uint64_t unit, std::size_t arm);
  };
  void happened(GuardrailKind kind, std::uint64_t unit, std::size_t arm);

  GuardrailTerms terms_;
  std::vector<GuardrailArm> arms_;
  Seen exposed_;
  std::array<std::unique_ptr<Seen>, kGuardrailKinds> seen_;  ///< null where no guardrail asks
  double slow_seconds_ = 0;
};

}  // namespace lodestone::serving
