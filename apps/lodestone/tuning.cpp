#include "tuning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "base/rng.hpp"

namespace lodestone::app {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// A number of the settings, and the range in which it is searched.
struct Knob {
  std::string_view method;
  std::string_view name;
  double BehaviorSettings::*field;
  double low;
  double high;
  enum class Scale : std::uint8_t { kLinear, kLog } scale;
};

/// Ranges around what serves well on public data: lambda from 14 to 1,500 was best on four sets, exponents near .25 on both sides.
constexpr std::array<Knob, 11> kKnobs{{
    {"ease", "lambda", &BehaviorSettings::lambda, 2, 5000, Knob::Scale::kLog},
    {"ease", "user_exponent", &BehaviorSettings::user_exponent, 0, 0.6, Knob::Scale::kLinear},
    {"ease", "item_exponent", &BehaviorSettings::item_exponent, 0, 0.6, Knob::Scale::kLinear},
    {"slim", "lambda", &BehaviorSettings::lambda, 2, 5000, Knob::Scale::kLog},
    {"slim", "user_exponent", &BehaviorSettings::user_exponent, 0, 0.6, Knob::Scale::kLinear},
    {"slim", "item_exponent", &BehaviorSettings::item_exponent, 0, 0.6, Knob::Scale::kLinear},
    {"itemknn-cosine", "shrinkage", &BehaviorSettings::shrinkage, 0, 30, Knob::Scale::kLinear},
    {"itemknn-tfidf", "shrinkage", &BehaviorSettings::shrinkage, 0, 30, Knob::Scale::kLinear},
    {"itemknn-bm25", "shrinkage", &BehaviorSettings::shrinkage, 0, 30, Knob::Scale::kLinear},
    {"itemknn-bm25", "bm25_k1", &BehaviorSettings::bm25_k1, 0.2, 20, Knob::Scale::kLog},
    {"itemknn-bm25", "bm25_b", &BehaviorSettings::bm25_b, 0, 1, Knob::Scale::kLinear},
}};
constexpr std::array<std::string_view, 5> kMethods{"ease", "slim", "itemknn-tfidf", "itemknn-bm25", "itemknn-cosine"};
/// How far a step from the best goes, as a share of a knob's range (one standard deviation).
constexpr double kStep = 0.12;

double to_unit(const Knob& knob, double value) {
  if (knob.scale == Knob::Scale::kLinear) return (value - knob.low) / (knob.high - knob.low);
  return std::log(value / knob.low) / std::log(knob.high / knob.low);
}

double from_unit(const Knob& knob, double unit) {
  const double u = std::clamp(unit, 0.0, 1.0);
  return knob.scale == Knob::Scale::kLinear ? knob.low + u * (knob.high - knob.low)
                                            : knob.low * std::pow(knob.high / knob.low, u);
}

BehaviorSettings draw(const std::vector<std::string_view>& methods, Rng& rng) {
  BehaviorSettings out;
  out.method = methods[rng.below(methods.size())];
  for (const Knob& knob : kKnobs) {
    if (knob.method == out.method) out.*knob.field = from_unit(knob, rng.uniform());
  }
  return out;
}

BehaviorSettings step_from(const BehaviorSettings& best, Rng& rng) {
  BehaviorSettings out = best;
  for (const Knob& knob : kKnobs) {
    if (knob.method == out.method) out.*knob.field = from_unit(knob, to_unit(knob, best.*knob.field) + kStep * rng.normal());
  }
  return out;
}

void run_trial(const BehaviorJudge& judge, const BehaviorSettings& settings, TuneResult& result) {
  const SteadyClock::time_point start = SteadyClock::now();
  const BehaviorTrial reached = judge.judge(settings);
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
  result.trials.push_back({settings, reached.ndcg_at_10, reached.recall_at_10, seconds});
  if (reached.ndcg_at_10 > result.trials[result.best].ndcg_at_10) result.best = result.trials.size() - 1;
  log_info("tune", "trial {}: {} {}: NDCG@10 {:.4f}, best {:.4f}", result.trials.size(), settings.method, settings.text(),
           reached.ndcg_at_10, result.trials[result.best].ndcg_at_10);
}

constexpr double kWidth = 720;
constexpr double kHeight = 300;
constexpr double kMargin = 44;

/// A dot a trial, and the line of the best so far.
std::string picture(const TuneResult& result) {
  double low = 1;
  double high = 0;
  for (const TuneTrial& trial : result.trials) {
    low = std::min(low, trial.ndcg_at_10);
    high = std::max(high, trial.ndcg_at_10);
  }
  if (!(high > low)) high = low + 1e-6;
  const auto n = static_cast<double>(std::max<std::size_t>(2, result.trials.size()));
  const auto x = [&](std::size_t t) { return kMargin + (kWidth - 2 * kMargin) * static_cast<double>(t) / (n - 1); };
  const auto y = [&](double value) { return kHeight - kMargin - (kHeight - 2 * kMargin) * (value - low) / (high - low); };
  std::string out = fmt::format(
      "<svg viewBox=\"0 0 {0} {1}\" role=\"img\"><title>NDCG@10 of {2} trials, the best {3:.4f}</title>\n"
      "<line class=\"axis\" x1=\"{4}\" x2=\"{4}\" y1=\"{4}\" y2=\"{5}\"/><line class=\"axis\" x1=\"{4}\" x2=\"{6}\" y1=\"{5}\" "
      "y2=\"{5}\"/>\n"
      "<text x=\"4\" y=\"{4}\">{3:.4f}</text><text x=\"4\" y=\"{5}\">{7:.4f}</text><text x=\"{6}\" y=\"{8}\" "
      "text-anchor=\"end\">trial</text>\n",
      kWidth, kHeight, result.trials.size(), high, kMargin, kHeight - kMargin, kWidth - kMargin, low, kHeight - kMargin + 24);
  std::string line;
  double best = 0;
  for (std::size_t t = 0; t < result.trials.size(); ++t) {
    best = std::max(best, result.trials[t].ndcg_at_10);
    line += fmt::format("{:.1f},{:.1f} ", x(t), y(best));
  }
  out += fmt::format("<polyline class=\"best\" points=\"{}\"/>\n", line);
  for (std::size_t t = 0; t < result.trials.size(); ++t) {
    const TuneTrial& trial = result.trials[t];
    out += fmt::format("<circle class=\"{} {}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\"><title>{}: {} {}: {:.4f}</title></circle>\n",
                       trial.settings.method.starts_with("itemknn") ? "knn" : "linear", t < result.n_usual ? "usual" : "tried",
                       x(t), y(trial.ndcg_at_10), t + 1, trial.settings.method, trial.settings.text(), trial.ndcg_at_10);
  }
  return out + "</svg>\n";
}

std::string table(const TuneResult& result) {
  std::vector<std::size_t> order(result.trials.size());
  for (std::size_t t = 0; t < order.size(); ++t) order[t] = t;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return result.trials[a].ndcg_at_10 > result.trials[b].ndcg_at_10; });
  std::string out =
      "<table><thead><tr><th>trial</th><th>method</th><th>settings</th><th>NDCG@10</th><th>recall@10</th><th>seconds</th></tr>"
      "</thead><tbody>\n";
  for (const std::size_t t : order) {
    const TuneTrial& trial = result.trials[t];
    out += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.4f}</td><td>{:.4f}</td><td>{:.2f}</td></tr>\n", t + 1,
                       trial.settings.method, trial.settings.text(), trial.ndcg_at_10, trial.recall_at_10, trial.seconds);
  }
  return out + "</tbody></table>\n";
}

constexpr std::string_view kStyle =
    ":root{color-scheme:light dark;--ink:#1b2733;--line:#9aa7b4;--linear:#0b7285;--knn:#c2410c}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--line:#5b6875;--linear:#4fd1e0;--knn:#fb923c}}"
    "body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "svg{width:100%;height:auto}.axis{stroke:var(--line)}text{fill:var(--ink);font-size:12px}"
    ".best{fill:none;stroke:var(--line);stroke-width:2}.linear{fill:var(--linear)}.knn{fill:var(--knn)}"
    ".usual{stroke:var(--ink);stroke-width:2}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}"
    "th,td{text-align:left;padding:.2rem .6rem;border-bottom:1px solid var(--line)}";

}  // namespace

TuneResult tune_behavior(const TrainingInteractions& interactions, const BehaviorOptions& behavior, const TuneOptions& options) {
  const SteadyClock::time_point end = SteadyClock::now() + options.budget;
  const BehaviorJudge judge(interactions, behavior);
  TuneResult result;
  result.seed = options.seed;
  result.n_judged = judge.n_judged();
  if (result.n_judged == 0) {
    fail(ErrorCode::kInvalidArgument,
         "--tune hides the newest item of each history, and no history has two items; train without it until there are more "
         "events");
  }
  std::vector<std::string_view> methods;
  for (const std::string_view method : kMethods) {
    const bool wanted = behavior.method == "auto" || behavior.method == method;
    if (wanted && behavior_fits({.method = std::string(method)}, interactions.matrix, behavior)) methods.push_back(method);
  }
  std::vector<BehaviorSettings> usual = behavior_candidates(interactions.matrix, behavior);
  std::erase_if(usual, [&](const BehaviorSettings& s) { return behavior.method != "auto" && s.method != behavior.method; });
  for (const BehaviorSettings& settings : usual) run_trial(judge, settings, result);
  result.n_usual = result.trials.size();
  Rng rng(options.seed);
  while (result.trials.size() < options.trials && SteadyClock::now() < end && !methods.empty()) {
    const bool anew = result.trials.size() % 2 == 0;
    run_trial(judge, anew ? draw(methods, rng) : step_from(result.trials[result.best].settings, rng), result);
  }
  return result;
}

void write_tuning_page(const TuneResult& result, const fs::path& path) {
  const TuneTrial& best = result.trials[result.best];
  double usual = 0;
  for (std::size_t t = 0; t < result.n_usual; ++t) usual = std::max(usual, result.trials[t].ndcg_at_10);
  const std::string page = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
      "<title>Tuning of the behaviour model</title><style>{}</style></head><body>\n"
      "<h1>Tuning of the behaviour model</h1>\n"
      "<p>{} trials, seed {}, judged on {} histories without their newest item. The best is <b>{}</b> ({}): NDCG@10 {:.4f}; what "
      "every "
      "training tries reaches {:.4f}. Framed dots are those; hover a dot for its settings.</p>\n{}{}</body></html>\n",
      kStyle, result.trials.size(), result.seed, result.n_judged, best.settings.method, best.settings.text(), best.ndcg_at_10,
      usual, picture(result), table(result));
  write_file_atomic(path, page);
}

void save_tuned(const TuneResult& result, const fs::path& path) {
  const TuneTrial& best = result.trials[result.best];
  json::Value out = json::Object{};
  out.set("method", json::Value(best.settings.method));
  for (const Knob& knob : kKnobs) {
    if (knob.method == best.settings.method) out.set(std::string(knob.name), json::Value(best.settings.*knob.field));
  }
  out.set("ndcg@10", json::Value(best.ndcg_at_10));
  out.set("seed", json::Value(static_cast<std::int64_t>(result.seed)));
  out.set("trials", json::Value(static_cast<std::int64_t>(result.trials.size())));
  write_file_atomic(path, json::format(out, 2) + "\n");
}

std::vector<BehaviorSettings> load_tuned(const fs::path& path) {
  if (!fs::exists(path)) return {};
  const auto bad = [&](std::string_view what) {
    fail(ErrorCode::kCorrupt, "{}: {}; remove it or run lodestone train --tune again", path.string(), what);
  };
  const json::Value document = json::parse(read_file(path), path.string());
  BehaviorSettings settings;
  const json::Value* method = document.find("method");
  if (method == nullptr || method->as_string() == nullptr ||
      std::find(kMethods.begin(), kMethods.end(), *method->as_string()) == kMethods.end()) {
    bad("method is missing or none that can be tuned");
  }
  settings.method = *method->as_string();
  for (const Knob& knob : kKnobs) {
    if (knob.method != settings.method) continue;
    const json::Value* value = document.find(knob.name);
    const auto number = value == nullptr ? std::nullopt : value->as_number();
    if (!number || !(*number >= knob.low && *number <= knob.high))
      bad(fmt::format("{} is missing or not from {} to {}", knob.name, knob.low, knob.high));
    settings.*knob.field = *number;
  }
  return {settings};
}

}  // namespace lodestone::app
