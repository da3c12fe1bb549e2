// lodestone report policy: what visitors would have clicked had another bundle, or other weights, made the lists of the exposure log.

#include <fmt/format.h>

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "app.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/nearest.hpp"
#include "engine/recommender.hpp"
#include "evaluation/off_policy.hpp"
#include "lake_access.hpp"
#include "policy_lists.hpp"
#include "release_store.hpp"
#include "report_lake.hpp"
#include "serving/experiments.hpp"
#include "serving/rules_file.hpp"
#include "table/sql_text.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

/// Clicks of an item when it is shown, drawn to the mean of all where there are few showings.
class ClickModel {
 public:
  explicit ClickModel(const std::vector<ShownList>& lists) {
    for (const ShownList& list : lists) {
      for (const ShownPlace& place : list.places) {
        Counts& of = counts_[place.item];
        of.shown += 1;
        of.clicked += place.is_clicked ? 1 : 0;
        all_.shown += 1;
        all_.clicked += place.is_clicked ? 1 : 0;
      }
    }
  }
  [[nodiscard]] double rate(std::int64_t item) const {
    constexpr double kWeight = 20;  // ours: showings that the mean of all counts for
    const double mean = all_.shown > 0 ? all_.clicked / all_.shown : 0;
    const auto found = counts_.find(item);
    if (found == counts_.end()) return mean;
    return (found->second.clicked + kWeight * mean) / (found->second.shown + kWeight);
  }

 private:
  struct Counts {
    double shown = 0;
    double clicked = 0;
  };
  absl::flat_hash_map<std::int64_t, Counts> counts_;
  Counts all_;
};

/// Makes the lists that somebody else would have shown.
class Candidate {
 public:
  Candidate(const Config& config, const models::Release& release, const serving::PageParameters& parameters)
      : release_(release), weights_(release.weights), parameters_(parameters) {
    for (std::size_t w = 0; w < parameters.weights.size(); ++w) {
      if (parameters.weights[w]) weights_.*models::kWeightFields[w].field = *parameters.weights[w];
    }
    if (const fs::path file = config.file_path("serving.rules_file"); !file.empty() && fs::exists(file))
      rules_.emplace(serving::parse_rules(read_file(file), file.string()), release.catalog);
    vector_ef_ = parameters.vector_ef.value_or(static_cast<std::size_t>(config.integer("engine.vector_ef")));
    diversity_ = static_cast<float>(parameters.diversity.value_or(config.number("engine.diversity")));
  }

  /// Empty where the release does not have the data set of the page.
  const std::vector<engine::PageItem>& make(const ShownList& list) {
    std::optional<ItemIndex> page;
    page_.items.clear();
    if (list.page) {
      page = release_.catalog.find(ItemId(*list.page));
      if (!page) return page_.items;
    }
    engine::PageRequest request = request_again(list, page);
    request.weights = &weights_;
    request.with_ranker = parameters_.ranker.value_or(true);
    request.vector_ef = vector_ef_;
    request.diversity = diversity_;
    request.rules = rules_ ? &*rules_ : nullptr;
    engine::recommend(release_, request, scratch_, page_);
    return page_.items;
  }
  [[nodiscard]] std::int64_t id(const engine::PageItem& item) const { return raw(release_.catalog.id(item.item)); }

 private:
  const models::Release& release_;
  models::ChannelWeights weights_;
  serving::PageParameters parameters_;
  std::optional<engine::Rules> rules_;
  std::size_t vector_ef_ = 0;
  float diversity_ = 0;
  engine::Scratch scratch_;
  engine::Page page_;
};

/// A decision is what stands on one place, as in the item-position model (Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay and Wen 2018): a click depends on the
/// item and the place, not on what stands beside it.
std::vector<evaluation::LoggedChoice> choices_of(const std::vector<ShownList>& lists, Candidate& candidate) {
  const ClickModel model(lists);
  std::vector<evaluation::LoggedChoice> out;
  for (const ShownList& list : lists) {
    const std::vector<engine::PageItem>& items = candidate.make(list);
    for (std::size_t p = 0; p < list.places.size(); ++p) {
      const ShownPlace& shown = list.places[p];
      const bool has_item = p < items.size();
      const std::int64_t other = has_item ? candidate.id(items[p]) : 0;
      out.push_back({.reward = shown.is_clicked ? 1.0 : 0.0,
                     .logged = shown.propensity,
                     .target = has_item && other == shown.item ? 1.0 : 0.0,
                     .model = model.rate(shown.item),
                     .model_of_target = has_item ? model.rate(other) : 0,
                     .cluster = list.visitor});
    }
  }
  return out;
}

serving::PageParameters find_parameters(const Config& config, const std::string& variant) {
  if (variant.empty()) return {};
  const fs::path file = config.file_path("serving.experiments_file");
  const serving::Experiments experiments = serving::Experiments::parse(read_file(file), file.string());
  std::vector<std::string> names;
  for (const serving::Experiment& experiment : experiments.all()) {
    for (const serving::ExperimentVariant& one : experiment.variants) {
      names.push_back(experiment.name + ":" + one.name);
      if (names.back() == variant) return one.parameters;
    }
  }
  fail(ErrorCode::kNotFound, "{} has no variant \"{}\"{}; name it EXPERIMENT:VARIANT", file.string(), variant,
       suggest(variant, names));
}

/// All that the report says.
struct PolicyReport {
  std::string bundle;
  std::size_t n_lists = 0;
  std::size_t n_older = 0;  ///< lists from before the bundle, judged or left out
  bool is_older_judged = false;
  std::size_t n_places = 0;
  evaluation::OffPolicyEstimate estimate;
  double logged = 0;
  double support = 0;
};

PolicyReport estimate(const std::vector<ShownList>& lists, Candidate& candidate, double clip) {
  const std::vector<evaluation::LoggedChoice> choices = choices_of(lists, candidate);
  PolicyReport out;
  out.n_lists = lists.size();
  out.n_places = choices.size();
  out.estimate = evaluation::estimate_off_policy(choices, clip);
  for (const evaluation::LoggedChoice& choice : choices) {
    out.logged += choice.reward / static_cast<double>(choices.size());
    out.support += choice.target / choice.logged / static_cast<double>(choices.size());
  }
  return out;
}

/// What keeps the figures from being believed; "" = nothing.
std::string warning_of(const PolicyReport& report) {
  constexpr double kLeastSize = 1'000;  // ours: below it an interval of one click in a hundred is wider than the rate
  if (report.is_older_judged && report.n_older > 0)
    return fmt::format(
        "{} of {} lists are older than bundle {}, which has learnt from what was clicked in them, so its value is too good; "
        "leave "
        "--since out and they are, too",
        report.n_older, report.n_lists, report.bundle);
  if (report.estimate.effective_size < kLeastSize)
    return fmt::format(
        "the estimate rests on {:.0f} places of {}, too few to decide by: gather more lists, or raise engine.exploration",
        report.estimate.effective_size, report.n_places);
  if (report.support < 0.9)
    return fmt::format(
        "{:.0f} % of what it would show could not have been shown in the log's lists, so nothing is known of that but what the "
        "click model says; "
        "raise engine.exploration, or try it as a rollout",
        100 * (1 - report.support));
  return "";
}

json::Value describe(const evaluation::PolicyValue& value) {
  json::Value out;
  out.set("value", json::Value(value.value));
  out.set("error", json::Value(value.error));
  return out;
}

void print_as_json(const PolicyReport& report) {
  const std::string warning = warning_of(report);
  const evaluation::OffPolicyEstimate& estimate = report.estimate;
  json::Value out;
  out.set("bundle", json::Value(report.bundle));
  out.set("lists", json::Value(static_cast<std::int64_t>(report.n_lists)));
  out.set("older", json::Value(static_cast<std::int64_t>(report.n_older)));
  out.set("places", json::Value(static_cast<std::int64_t>(report.n_places)));
  out.set("visitors", json::Value(static_cast<std::int64_t>(estimate.n_clusters)));
  out.set("logged", json::Value(report.logged));
  out.set("ips", describe(estimate.ips));
  out.set("snips", describe(estimate.snips));
  out.set("doubly_robust", describe(estimate.doubly_robust));
  out.set("effective_size", json::Value(estimate.effective_size));
  out.set("largest_weight", json::Value(estimate.largest_weight));
  out.set("support", json::Value(report.support));
  out.set("warning", warning.empty() ? json::Value() : json::Value(warning));
  print_json(json::format(out, 1));
}

void print_as_text(const PolicyReport& report) {
  const auto row = [](const char* name, const evaluation::PolicyValue& value) {
    return std::vector<std::string>{
        name, fmt::format("{:.5f}", value.value),
        fmt::format("{:.5f} to {:.5f}", value.value - 1.96 * value.error, value.value + 1.96 * value.error)};
  };
  const evaluation::OffPolicyEstimate& estimate = report.estimate;
  print_table({"clicks a place", "value", "95 %"}, {{"as it was", fmt::format("{:.5f}", report.logged), ""},
                                                    row("ips", estimate.ips),
                                                    row("snips", estimate.snips),
                                                    row("doubly robust", estimate.doubly_robust)});
  std::printf("%s\n",
              fmt::format("{} lists of {} visitors, {} places; effective size {:.0f}, largest weight {:.1f}, support {:.2f}",
                          report.n_lists, estimate.n_clusters, report.n_places, estimate.effective_size, estimate.largest_weight,
                          report.support)
                  .c_str());
  if (report.n_older > 0 && !report.is_older_judged)
    std::printf("%zu lists are older than bundle %s, which may have learnt from them, and were left out\n", report.n_older,
                report.bundle.c_str());
  if (const std::string warning = warning_of(report); !warning.empty()) std::printf("%s\n", warning.c_str());
}

/// Refuses what there is nothing to estimate from.
void check_enough(const std::vector<ShownList>& lists, std::size_t n_older, const bundle::Manifest& manifest) {
  const bool has_two = std::ranges::any_of(lists, [&](const ShownList& list) { return list.visitor != lists.front().visitor; });
  if (has_two) return;
  if (n_older > lists.size())
    fail(ErrorCode::kNotFound,
         "{} lists of that time are older than bundle {} of {}, which may have learnt from what was clicked in them, and {} are "
         "newer; "
         "wait for lists of two visitors at least, or take the older ones by --since",
         n_older, manifest.id, format_rfc3339(manifest.created), lists.size());
  fail(ErrorCode::kNotFound,
       "the lake has {} lists of that time, and two at least, of different visitors, are needed; there is nothing to estimate "
       "from",
       lists.size());
}

}  // namespace

int run_report_policy(const Globals& globals, const ReportArguments& arguments) {
  const Config config = load_config(globals);
  const serving::PageParameters parameters = find_parameters(config, arguments.variant);
  const bundle::BundleStore store = release_store(config);
  const std::optional<std::string> id = arguments.bundle.empty() ? store.current() : std::optional(arguments.bundle);
  if (!id) fail(ErrorCode::kNotFound, "{}: no bundle is current; lodestone pipeline run makes one", store.folder().string());
  const auto bundle = store.open(*id, 0);
  table::Engine engine(engine_options(config));
  attach_exposures(engine, config);
  std::vector<ShownList> lists = read_shown_lists(engine, config.file_path("lake.sql_folder"), report_times(arguments));
  const TimePoint made = bundle->manifest().created;
  const bool is_older_judged = !arguments.since.empty();
  std::size_t n_older = 0;
  if (is_older_judged) {
    n_older = static_cast<std::size_t>(std::ranges::count_if(lists, [made](const ShownList& list) { return list.at < made; }));
  } else {
    n_older = drop_lists_before(made, lists);
  }
  check_enough(lists, is_older_judged ? 0 : n_older, bundle->manifest());
  Candidate candidate(config, bundle->release(), parameters);
  PolicyReport report = estimate(lists, candidate, arguments.clip);
  report.bundle = *id;
  report.n_older = n_older;
  report.is_older_judged = is_older_judged;
  if (globals.json) {
    print_as_json(report);
  } else {
    print_as_text(report);
  }
  return 0;
}

}  // namespace lodestone::app
