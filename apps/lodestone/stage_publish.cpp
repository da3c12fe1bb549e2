// The candidate's measures, the gate, and the pointer that servers follow.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/error.hpp"
#include "bundle/store.hpp"
#include "pipeline_plan.hpp"
#include "ranker_stability.hpp"
#include "release_store.hpp"
#include "stages.hpp"

namespace lodestone::app {
namespace {

/// A trial's NDCG@10 by method, 0 when it is not there.
double best_of(const json::Value& metrics, std::string_view method) {
  const json::Value* trials = metrics.find("trials");
  double best = 0;
  if (trials == nullptr || trials->as_array() == nullptr) return best;
  for (const json::Value& trial : *trials->as_array()) {
    const json::Value* name = trial.find("method");
    const json::Value* value = trial.find("ndcg@10");
    if (name == nullptr || name->as_string() == nullptr || value == nullptr || *name->as_string() != method) continue;
    best = std::max(best, value->as_number().value_or(0));
  }
  return best;
}

void print_trials(const json::Value& metrics) {
  const json::Value* trials = metrics.find("trials");
  if (trials == nullptr || trials->as_array() == nullptr) return;
  std::vector<std::vector<std::string>> rows;
  for (const json::Value& trial : *trials->as_array()) {
    const auto text = [&](const char* key) {
      return trial.find(key) != nullptr && trial.find(key)->as_string() != nullptr ? *trial.find(key)->as_string() : "";
    };
    const auto number = [&](const char* key) {
      return trial.find(key) != nullptr ? fmt::format("{:.4f}", trial.find(key)->as_number().value_or(0)) : std::string();
    };
    rows.push_back({text("method"), text("settings"), number("ndcg@10"), number("recall@10")});
  }
  if (!rows.empty()) print_table({"method", "settings", "ndcg@10", "recall@10"}, rows);
}

/// What depends neither on who asks for a page, nor on when: counts of days grow by themselves.
bool is_of_release(const FeatureStability& feature) {
  const bool of_item = feature.name.starts_with("item_") || feature.name.starts_with("cross_");
  return of_item && feature.name.find("_days") == std::string::npos;
}

/// Prints the features that moved most; false when one moved further than is allowed. Those of users are shown only: the people of the rows are
/// known to have come back, so their last visits lie nearer than those of whoever comes next.
bool is_stable(const bundle::BundleStore& store, const std::string& id, double most) {
  const std::vector<FeatureStability> all = load_stability(store, id);
  if (all.empty()) return true;
  constexpr std::size_t kShown = 5;
  std::vector<std::vector<std::string>> rows;
  for (const FeatureStability& feature : all) {
    if (rows.size() < kShown || (is_of_release(feature) && feature.index > most))
      rows.push_back({feature.name, fmt::format("{:.3f}", feature.index)});
  }
  std::printf("evaluate: features whose values moved most since the ranker's fit, by population stability index\n");
  print_table({"feature", "index"}, rows);
  const auto worst = std::find_if(all.begin(), all.end(), is_of_release);
  if (worst == all.end() || worst->index <= most) return true;
  std::fprintf(stderr,
               "lodestone: evaluate: bundle %s is not published: feature %s moved by %.3f since the ranker's fit, and "
               "bundle.max_drift is %g; "
               "look for what changed in its source (lodestone features list), or raise bundle.max_drift\n",
               id.c_str(), worst->name.c_str(), worst->index, most);
  return false;
}

}  // namespace

int run_evaluate_stage(const Config& config, const PipelineArguments&) {
  const bundle::BundleStore store = release_store(config);
  const std::string id = candidate_of(store);
  const bundle::Manifest manifest = bundle::Manifest::load(store.path_of(id));
  const json::Value* metrics = manifest.document.find("metrics");
  if (metrics == nullptr) fail(ErrorCode::kCorrupt, "bundle {}: its manifest has no metrics; train again", id);
  print_trials(*metrics);
  if (!is_stable(store, id, config.number("bundle.max_drift"))) return 3;
  const json::Value* histories = metrics->find("histories");
  if (histories == nullptr || histories->as_int() == nullptr || *histories->as_int() < 100) {
    // Too few to judge anybody by; a new site must be able to start.
    std::printf("evaluate: %s: fewer than 100 histories to judge by; the gate is open\n", id.c_str());
    return 0;
  }
  const json::Value* method = metrics->find("behavior_method");
  const double ours = method == nullptr || method->as_string() == nullptr ? 0 : best_of(*metrics, *method->as_string());
  const double popular = best_of(*metrics, "pop");
  if (ours < popular) {
    std::fprintf(stderr,
                 "lodestone: evaluate: bundle %s is not published: its behaviour model reaches NDCG@10 %.4f, popularity alone "
                 "%.4f; look at the "
                 "events of the lake (lodestone sql), then train again\n",
                 id.c_str(), ours, popular);
    return 3;
  }
  std::printf("evaluate: %s: behaviour NDCG@10 %.4f, popularity %.4f\n", id.c_str(), ours, popular);
  return 0;
}

int run_publish_stage(const Config& config, const PipelineArguments&) {
  const bundle::BundleStore store = release_store(config);
  const std::string id = candidate_of(store);
  store.publish(id);
  for (const std::string& old : store.prune(static_cast<std::size_t>(config.integer("bundle.keep"))))
    std::printf("publish: %s removed\n", old.c_str());
  std::printf("publish: %s is current\n", id.c_str());
  return 0;
}

}  // namespace lodestone::app
