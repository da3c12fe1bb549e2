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
#include "release_store.hpp"
#include "report_lake.hpp"
#include "serving/experiments.hpp"
#include "serving/rules_file.hpp"
#include "table/sql_text.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

/// Of one place of a list that was shown.
struct Place {
  std::int64_t item = 0;
  double propensity = 1;
  bool is_clicked = false;
};

struct ShownList {
  std::optional<std::int64_t> user;
  std::optional<std::int64_t> page;
  std::vector<Place> places;
};

std::vector<ShownList> read_lists(table::Engine& engine, const fs::path& sql_folder, const table::Parameters& parameters) {
  std::vector<ShownList> out;
  std::string last_file;
  std::int64_t last_offset = -1;
  const table::SqlFile query = table::SqlFile::load(sql_folder, "reports/policy_places");
  engine.query(query.render(parameters), [&](const table::Chunk& chunk) {
    for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
      std::string file = chunk.format_at(0, r);
      const std::int64_t offset = chunk.int_at(1, r);
      if (file != last_file || offset != last_offset) {
        ShownList& list = out.emplace_back();
        if (!chunk.is_null(4, r)) list.user = chunk.int_at(4, r);
        if (!chunk.is_null(5, r)) list.page = chunk.int_at(5, r);
      }
      last_file = std::move(file);
      last_offset = offset;
      out.back().places.push_back({chunk.int_at(3, r), chunk.double_at(6, r), chunk.int_at(7, r) != 0});
    }
  });
  return out;
}

/// Clicks of an item when it is shown, drawn to the mean of all where there are few showings.
class ClickModel {
 public:
  explicit ClickModel(const std::vector<ShownList>& lists) {
    for (const ShownList& list : lists) {
      for (const Place& place : list.places) {
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
    engine::PageRequest request;
    page_.items.clear();
    if (list.page) {
      request.item = release_.catalog.find(ItemId(*list.page));
      if (!request.item) return page_.items;
    }
    request.kind = !list.page ? engine::PageKind::kUser : list.user ? engine::PageKind::kDetail : engine::PageKind::kSimilar;
    if (list.user) request.user = UserId(*list.user);
    request.limit = list.places.size();
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
      const Place& shown = list.places[p];
      const bool has_item = p < items.size();
      const std::int64_t other = has_item ? candidate.id(items[p]) : 0;
      out.push_back({.reward = shown.is_clicked ? 1.0 : 0.0,
                     .logged = shown.propensity,
                     .target = has_item && other == shown.item ? 1.0 : 0.0,
                     .model = model.rate(shown.item),
                     .model_of_target = has_item ? model.rate(other) : 0});
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

/// What keeps the figures from being believed; "" = nothing.
std::string warning_of(const evaluation::OffPolicyEstimate& estimate, double support, std::size_t n) {
  constexpr double kLeastSize = 1'000;  // ours: below it an interval of one click in a hundred is wider than the rate
  if (estimate.effective_size < kLeastSize)
    return fmt::format(
        "the estimate rests on {:.0f} places of {}, too few to decide by: gather more lists, or raise engine.exploration",
        estimate.effective_size, n);
  if (support < 0.9)
    return fmt::format(
        "{:.0f} % of what it would show could not have been shown in the log's lists, so nothing is known of that but what the "
        "click model says; "
        "raise engine.exploration, or try it as a rollout",
        100 * (1 - support));
  return "";
}

json::Value describe(const evaluation::PolicyValue& value) {
  json::Value out;
  out.set("value", json::Value(value.value));
  out.set("error", json::Value(value.error));
  return out;
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
  const std::vector<ShownList> lists = read_lists(engine, config.file_path("lake.sql_folder"), report_times(arguments));
  Candidate candidate(config, bundle->release(), parameters);
  const std::vector<evaluation::LoggedChoice> choices = choices_of(lists, candidate);
  if (choices.size() < 2)
    fail(ErrorCode::kNotFound, "the lake has {} places of lists of that time; there is nothing to estimate from", choices.size());
  const evaluation::OffPolicyEstimate estimate = evaluation::estimate_off_policy(choices, arguments.clip);
  double logged = 0;
  double support = 0;
  for (const evaluation::LoggedChoice& choice : choices) {
    logged += choice.reward / static_cast<double>(choices.size());
    support += choice.target / choice.logged / static_cast<double>(choices.size());
  }
  const std::string warning = warning_of(estimate, support, choices.size());
  if (globals.json) {
    json::Value out;
    out.set("bundle", json::Value(*id));
    out.set("lists", json::Value(static_cast<std::int64_t>(lists.size())));
    out.set("places", json::Value(static_cast<std::int64_t>(choices.size())));
    out.set("logged", json::Value(logged));
    out.set("ips", describe(estimate.ips));
    out.set("snips", describe(estimate.snips));
    out.set("doubly_robust", describe(estimate.doubly_robust));
    out.set("effective_size", json::Value(estimate.effective_size));
    out.set("largest_weight", json::Value(estimate.largest_weight));
    out.set("support", json::Value(support));
    out.set("warning", warning.empty() ? json::Value() : json::Value(warning));
    print_json(json::format(out, 1));
    return 0;
  }
  const auto row = [](const char* name, const evaluation::PolicyValue& value) {
    return std::vector<std::string>{
        name, fmt::format("{:.5f}", value.value),
        fmt::format("{:.5f} to {:.5f}", value.value - 1.96 * value.error, value.value + 1.96 * value.error)};
  };
  print_table({"clicks a place", "value", "95 %"}, {{"as it was", fmt::format("{:.5f}", logged), ""},
                                                    row("ips", estimate.ips),
                                                    row("snips", estimate.snips),
                                                    row("doubly robust", estimate.doubly_robust)});
  std::printf("%s\n", fmt::format("{} lists, {} places; effective size {:.0f}, largest weight {:.1f}, support {:.2f}",
                                  lists.size(), choices.size(), estimate.effective_size, estimate.largest_weight, support)
                          .c_str());
  if (!warning.empty()) std::printf("%s\n", warning.c_str());
  return 0;
}

}  // namespace lodestone::app
