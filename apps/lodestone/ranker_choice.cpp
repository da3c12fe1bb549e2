#include "ranker_choice.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/thread_pool.hpp"
#include "engine/ranking.hpp"
#include "engine/recommender.hpp"
#include "evaluation/ltr.hpp"
#include "evaluation/ranker_metrics.hpp"
#include "features/schema.hpp"
#include "ranker_rows.hpp"
#include "training/feature_selection.hpp"

namespace lodestone::app {
namespace {

/// A light ranker may be that much worse than the first and still be preferred: it costs less in every request.
constexpr double kLightLoss = 0.03;
/// A ranker must be worth its time, and its lead no luck of a few pages: so many standard errors of the difference by page.
constexpr double kWorth = 1.01;
constexpr double kCertain = 2;

/// Features that no request carries yet, and the place, which is what the list is made for.
bool is_left_out(std::string_view name) {
  return name == "request_device" || name == "request_locale" || name == "request_source" || name == "request_position";
}

/// Some columns of rows, in a given order.
std::vector<float> pick_columns(const std::vector<float>& values, std::size_t n_columns, const std::vector<std::size_t>& picked) {
  std::vector<float> out;
  out.reserve(values.size() / n_columns * picked.size());
  for (std::size_t r = 0; r < values.size(); r += n_columns) {
    for (const std::size_t c : picked) out.push_back(values[r + c]);
  }
  return out;
}

training::RankerRows view_of(const LabelledRows& rows, const std::vector<float>& values, const std::vector<std::string>& names) {
  training::RankerRows out;
  out.values = values;
  out.labels = rows.labels;
  out.groups = rows.groups;
  // A list whose places are not all known says nothing about them.
  if (std::all_of(rows.positions.begin(), rows.positions.end(), [](std::int32_t p) { return p > 0; }))
    out.positions = rows.positions;
  out.feature_names = names;
  for (const std::string& name : names) {
    const auto& all = features::all_features();
    const auto it = std::find_if(all.begin(), all.end(), [&](const features::Feature& f) { return f.name == name; });
    out.is_category.push_back(it->type == features::Type::kCategory ? 1 : 0);
  }
  return out;
}

double mean_ndcg(const LabelledRows& rows, std::span<const double> scores) {
  return evaluation::mean_ndcg(rows.labels, scores, rows.groups, 10);
}

/// Mean difference of NDCG@10 by page in standard errors; 0 where there is no telling.
double lead_in_errors(const LabelledRows& rows, std::span<const double> scores, std::span<const double> others) {
  double sum = 0;
  double squares = 0;
  const auto n = static_cast<double>(rows.n_groups());
  for (std::size_t g = 0; g < rows.n_groups(); ++g) {
    const std::size_t begin = rows.groups[g];
    const std::size_t size = rows.groups[g + 1] - begin;
    const auto labels = std::span(rows.labels).subspan(begin, size);
    const auto ndcg = [&](std::span<const double> all) {
      return evaluation::ltr_value(evaluation::Metric::kNdcg, labels, all.subspan(begin, size), 10);
    };
    const double lead = ndcg(scores) - ndcg(others);
    sum += lead;
    squares += lead * lead;
  }
  const double variance = n > 1 ? (squares - sum * sum / n) / (n - 1) : 0;
  return variance > 0 ? sum / n / std::sqrt(variance / n) : 0;
}

/// Scores by our own evaluator, and the time for 200 rows at once.
std::vector<double> score_rows(const models::TreeEnsemble& model, const std::vector<float>& values, std::size_t n_rows,
                               ComparedRanker& trial) {
  const models::TreeScorer scorer(model);
  models::TreeScorer::Scratch scratch;
  std::vector<double> scores(n_rows);
  scorer.score(values, n_rows, scores, scratch);
  constexpr std::size_t kRounds = 101;
  const std::size_t n = std::min<std::size_t>(200, n_rows);
  std::vector<double> times;
  std::vector<double> some(n);
  for (std::size_t k = 0; k < kRounds; ++k) {
    const auto start = std::chrono::steady_clock::now();
    scorer.score(std::span(values).first(n * model.n_features()), n, some, scratch);
    times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(times.begin(), times.begin() + kRounds / 2, times.end());
  trial.microseconds = times[kRounds / 2];
  return scores;
}

/// Whatever recall says of a page is its order.
std::vector<double> recall_scores(const LabelledRows& rows) {
  std::vector<double> scores(rows.labels.size());
  for (std::size_t g = 0; g < rows.n_groups(); ++g) {
    for (std::size_t r = rows.groups[g]; r < rows.groups[g + 1]; ++r) scores[r] = -static_cast<double>(r - rows.groups[g]);
  }
  return scores;
}

/// The fits of one call, on the columns that were chosen.
class Fitter {
 public:
  Fitter(LabelledRows train, LabelledRows validation, std::vector<std::string> names, const RankerOptions& options)
      : train_(std::move(train)), validation_(std::move(validation)), names_(std::move(names)), options_(options) {}

  /// The most important features of a fit on all; the rows keep only these.
  void select(RankerChoice& choice) {
    judge_previous(choice);
    const training::FittedRanker all = fit(options_.configs.front());
    const std::vector<std::size_t> order = training::select_features(all.gain, names_, options_.max_features);
    for (LabelledRows* rows : {&train_, &validation_}) rows->values = pick_columns(rows->values, names_.size(), order);
    std::vector<std::string> kept;
    for (const std::size_t f : order) {
      kept.push_back(names_[f]);
      choice.report.gains.push_back({names_[f], all.gain[f]});
    }
    std::stable_sort(choice.report.gains.begin(), choice.report.gains.end(),
                     [](const FeatureGain& a, const FeatureGain& b) { return a.gain > b.gain; });
    names_ = kept;
  }

  void try_all(RankerChoice& choice) {
    choice.ndcg_at_10_of_recall = mean_ndcg(validation_, recall_scores(validation_));
    for (const training::RankerConfig& config : options_.configs) {
      const training::FittedRanker fitted = fit(config);
      std::vector<double> scores;
      const ComparedRanker trial = judge({config.name, fitted.text}, validation_.values, scores);
      scores_.push_back(std::move(scores));
      choice.report.rankers.push_back(trial);
      texts_.push_back({config.name, fitted.text});
      log_info("train", "ranker {}: {} trees, NDCG@10 {:.4f} (recall {:.4f}), AUC {:.4f}, {:.1f} us for 200 rows", trial.name,
               trial.trees, trial.ndcg_at_10, choice.ndcg_at_10_of_recall, trial.auc, trial.microseconds);
    }
  }

  /// The lightest that loses little goes first, then the best.
  void decide(RankerChoice& choice) {
    std::size_t best = 0;
    for (std::size_t t = 0; t < choice.report.rankers.size(); ++t) {
      if (choice.report.rankers[t].ndcg_at_10 > choice.report.rankers[best].ndcg_at_10) best = t;
    }
    const double least = choice.ndcg_at_10_of_recall * kWorth;
    const ComparedRanker& winner = choice.report.rankers[best];
    if (previous_ && previous_->ndcg_at_10 > std::max(winner.ndcg_at_10, least)) {
      choice.rankers = options_.previous;
      choice.reference = previous_reference_;
      choice.columns = features::stored_columns(previous_columns_);
      choice.reason = fmt::format("{} of the release before stays: NDCG@10 {:.4f} on later pages, the best new one, {}, {:.4f}",
                                  previous_->name, previous_->ndcg_at_10, winner.name, winner.ndcg_at_10);
      return;
    }
    const double lead = lead_in_errors(validation_, scores_[best], recall_scores(validation_));
    if (!(winner.ndcg_at_10 > least) || lead < kCertain) {
      choice.reason = fmt::format(
          "no ranker is served: the best, {}, reaches NDCG@10 {:.4f} on {} later pages and recall alone {:.4f}, a lead of {:.1f} "
          "standard errors where {} are needed",
          winner.name, winner.ndcg_at_10, choice.n_validation_groups, choice.ndcg_at_10_of_recall, lead, kCertain);
      return;
    }
    std::size_t light = best;
    for (std::size_t t = 0; t < choice.report.rankers.size(); ++t) {
      const ComparedRanker& trial = choice.report.rankers[t];
      if (trial.ndcg_at_10 > least && trial.ndcg_at_10 >= winner.ndcg_at_10 * (1 - kLightLoss) &&
          trial.auc >= winner.auc * (1 - kLightLoss) && trial.text_bytes < choice.report.rankers[light].text_bytes)
        light = t;
    }
    for (const std::size_t t : {light, best}) {
      if (choice.report.rankers[t].is_chosen) continue;
      choice.report.rankers[t].is_chosen = true;
      choice.rankers.push_back(texts_[t]);
    }
    choice.columns = features::stored_columns(names_);
    choice.reference = reference_of(names_, train_.values);
    // Only a classifier's scores are log-odds.
    if (options_.configs[light].objective == training::RankerObjective::kBinary)
      choice.report.calibration = evaluation::calibration_bins(validation_.labels, scores_[light]);
    choice.reason =
        fmt::format("{} is served: NDCG@10 {:.4f} on later pages, recall alone {:.4f}", choice.report.rankers[light].name,
                    choice.report.rankers[light].ndcg_at_10, choice.ndcg_at_10_of_recall);
  }

 private:
  [[nodiscard]] training::FittedRanker fit(const training::RankerConfig& config) const {
    const training::RankerRows train = view_of(train_, train_.values, names_);
    const training::RankerRows validation = view_of(validation_, validation_.values, names_);
    return training::fit_ranker(train, &validation, config, options_.threads);
  }

  [[nodiscard]] ComparedRanker judge(const models::OwnedRanking::Text& ranker, const std::vector<float>& values,
                                     std::vector<double>& scores) const {
    const models::TreeEnsemble model = models::parse_tree_ensemble(ranker.text, ranker.name);
    ComparedRanker trial;
    trial.name = ranker.name;
    trial.trees = static_cast<int>(model.trees.size());
    trial.text_bytes = ranker.text.size();
    trial.n_features = model.n_features();
    scores = score_rows(model, values, validation_.labels.size(), trial);
    trial.ndcg_at_10 = mean_ndcg(validation_, scores);
    trial.auc = evaluation::binary_auc(validation_.labels, scores);
    return trial;
  }

  [[nodiscard]] static std::vector<features::FeatureBins> reference_of(const std::vector<std::string>& names,
                                                                       const std::vector<float>& values) {
    std::vector<features::FeatureBins> out;
    for (std::size_t c = 0; c < names.size(); ++c) {
      std::vector<float> column;
      for (std::size_t at = c; at < values.size(); at += names.size()) column.push_back(values[at]);
      out.push_back(features::make_bins(names[c], std::move(column)));
    }
    return out;
  }

  /// The preferred ranker of the release before, on the same rows.
  void judge_previous(RankerChoice& choice) {
    if (options_.previous.empty()) return;
    const models::OwnedRanking::Text& ranker = options_.previous.front();
    previous_columns_ = models::parse_tree_ensemble(ranker.text, ranker.name).feature_names;
    std::vector<std::size_t> places;
    for (const std::string& name : previous_columns_) {
      const auto it = std::find(names_.begin(), names_.end(), name);
      if (it == names_.end()) return;  // it knew a feature that is no more
      places.push_back(static_cast<std::size_t>(it - names_.begin()));
    }
    std::vector<double> scores;
    previous_reference_ = reference_of(previous_columns_, pick_columns(train_.values, names_.size(), places));
    previous_ = judge(ranker, pick_columns(validation_.values, names_.size(), places), scores);
    choice.ndcg_at_10_of_previous = previous_->ndcg_at_10;
  }

  LabelledRows train_;
  LabelledRows validation_;
  std::vector<std::string> names_;
  const RankerOptions& options_;
  std::vector<models::OwnedRanking::Text> texts_;
  std::vector<std::vector<double>> scores_;  ///< of the validation rows, beside texts_
  std::optional<ComparedRanker> previous_;
  std::vector<std::string> previous_columns_;
  std::vector<features::FeatureBins> previous_reference_;
};

}  // namespace

RankerChoice choose_rankers(const SplitRelease& split, const models::ChannelWeights& weights,
                            const std::vector<models::UserData>& users, const RankerOptions& options) {
  constexpr double kTrainShare = 0.7;
  RankerChoice choice;
  const models::Release& release = split.release();
  std::vector<RowCase> cases = cases_of_exposures(release, options.exposures);
  const bool is_shown = cases.size() >= options.min_groups;
  if (!is_shown) cases = cases_of_pages(split);
  cases = in_time(std::move(cases), options.max_groups);
  choice.labels = is_shown ? "clicks (grade 1) and orders (grade 2) of what was shown, with the bias of its places taken out"
                           : "orders (grade 2) and other touches (grade 1) after the split, as there are no exposures yet: what "
                             "was seen and left is "
                             "not told "
                             "from what was never seen";
  std::vector<std::string> names;
  for (const features::Feature& feature : features::all_features()) {
    if (!is_left_out(feature.name)) names.emplace_back(feature.name);
  }
  const models::Ranking& stored = *release.ranking;
  const features::Vectorizer vectorizer(names, stored.users.columns, stored.items.columns);
  const RowMaker maker(split.release(), weights, users, vectorizer, options.depth, options.threads);
  const auto n_train = static_cast<std::ptrdiff_t>(kTrainShare * static_cast<double>(cases.size()));
  LabelledRows train = maker.make({cases.begin(), cases.begin() + n_train});
  LabelledRows validation = maker.make({cases.begin() + n_train, cases.end()});
  choice.n_train_groups = train.n_groups();
  choice.n_validation_groups = validation.n_groups();
  choice.n_rows = train.labels.size() + validation.labels.size();
  log_info("train", "ranker: {} rows of {} pages, of {} that were looked at", choice.n_rows,
           train.n_groups() + validation.n_groups(), cases.size());
  if (train.n_groups() + validation.n_groups() < options.min_groups || validation.n_groups() == 0) {
    choice.reason = fmt::format("no ranker is fitted: {} pages hold what their people did next, {} are needed",
                                train.n_groups() + validation.n_groups(), options.min_groups);
    return choice;
  }
  // Of what was shown the rows are no whole pages, and compare with none.
  for (const RowCase& row_case : is_shown ? std::vector<RowCase>{} : cases) {
    choice.pages.push_back(row_case.page.request);
    features::set_time(row_case.page.at, choice.pages.back().values);
  }
  Fitter fitter(std::move(train), std::move(validation), std::move(names), options);
  fitter.select(choice);
  fitter.try_all(choice);
  fitter.decide(choice);
  choice.report.title = "Rankers compared";
  choice.report.notes = {choice.reason + ".", "Labels: " + choice.labels + ".",
                         fmt::format("{} rows: {} pages for the fit, {} later ones to judge by.", choice.n_rows,
                                     choice.n_train_groups, choice.n_validation_groups)};
  return choice;
}

}  // namespace lodestone::app
