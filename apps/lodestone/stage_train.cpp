// Canonical tables -> models -> a packed bundle, which becomes the store's candidate. Nothing is served before publish.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/thread_pool.hpp"
#include "behavior_choice.hpp"
#include "bundle/store.hpp"
#include "channel_weights.hpp"
#include "content_choice.hpp"
#include "events/ranking_samples.hpp"
#include "feature_files.hpp"
#include "features/build/online_snapshot.hpp"
#include "lake/reader.hpp"
#include "lake_access.hpp"
#include "latent_choice.hpp"
#include "ranker_choice.hpp"
#include "ranker_stability.hpp"
#include "ranking_features.hpp"
#include "release_models.hpp"
#include "release_store.hpp"
#include "size_plan.hpp"
#include "split_release.hpp"
#include "stages.hpp"
#include "training/content.hpp"
#include "training/ranker_config.hpp"
#include "training/vocabulary.hpp"
#include "training_input.hpp"
#include "tuning.hpp"
#include "version.hpp"

namespace lodestone::app {
namespace {

/// Beside the bundles: the settings that the last tuning found.
constexpr const char* kTunedFile = "tuned.json";
/// The page of the rankers that were compared.
constexpr const char* kRankerPage = "ranker.html";

/// What is read from the lake; the engine and its memory are gone when the models are fitted.
struct TrainingInput {
  models::ReleaseData data;
  TrainingInteractions interactions;
  json::Value sources = json::Object{};
};

TrainingInput read_input(const Config& config) {
  TrainingInput input;
  table::Engine engine(engine_options(config));
  const lake::Reader reader(config.file_path("lake.folder"));
  require_training_tables(reader);
  reader.attach(engine);
  for (const lake::Manifest& table : reader.tables())
    input.sources.set(lake::view_name(table.source, table.table), describe_table(table));
  const TrainingQueries queries{config.file_path("lake.sql_folder"), query_parameters(config)};
  input.data.items = read_items(engine);
  input.interactions =
      read_interactions(engine, queries, input.data.items, static_cast<std::size_t>(config.integer("training.max_history")));
  input.data.users = make_users(input.interactions);
  read_owned(engine, queries, input.data.items, input.data.users);
  input.data.trending = read_trending(engine, queries, input.data.items);
  log_info("train", "{} items, {} users and {} guests with {} pairs", input.data.items.size(), input.interactions.user_ids.size(),
           input.interactions.matrix.n_users() - input.interactions.user_ids.size(), input.interactions.matrix.items.size());
  return input;
}

/// Makes the models, and at last the interactions, small enough for the memory there is, and says what that cost.
SizeSettings keep_to_budget(const Config& config, TrainingInput& input) {
  const auto wanted_mib = static_cast<std::uint64_t>(config.integer("training.memory_mib"));
  const std::uint64_t budget = wanted_mib > 0 ? wanted_mib << 20U : usable_memory_bytes() / 4 * 3;
  const SizeSettings settings = size_settings(config);
  const CatalogueSize size{input.data.items.size(), 0, std::max<std::uint64_t>(1, input.interactions.matrix.items.size()),
                           input.interactions.matrix.n_users()};
  const BudgetedSettings fitted = fit_to_budget(size, settings, budget);
  for (const std::string& sentence : fitted.sentences)
    log_warn("train", "memory budget of {} MiB: {}; raise training.memory_mib to avoid it", budget >> 20U, sentence);
  if (fitted.max_pairs > 0) {
    keep_newest(input.interactions, fitted.max_pairs);
    // Histories follow what is learned from; what a user owns stays whole.
    auto user = input.data.users.begin();
    for (models::UserData& cut : make_users(input.interactions)) {
      while (user->id != cut.id) ++user;  // all of them are there, in the same order
      user->history = std::move(cut.history);
      user->history_weights = std::move(cut.history_weights);
    }
  }
  return fitted.settings;
}

json::Value channels_document(const ChannelChoice& choice) {
  json::Value out = json::Object{};
  out.set("protocol", json::Value("release of what was before a moment, pages as served, what users did after"));
  out.set("user_pages", json::Value(static_cast<std::int64_t>(choice.n_user_pages)));
  out.set("item_pages", json::Value(static_cast<std::int64_t>(choice.n_item_pages)));
  out.set("ndcg@10", json::Value(choice.ndcg_at_10));
  out.set("ndcg@10_of_defaults", json::Value(choice.ndcg_at_10_of_defaults));
  out.set("lead_in_standard_errors", json::Value(choice.lead_errors));
  json::Value alone = json::Object{};
  for (const ChannelTrial& trial : choice.alone) alone.set(trial.channel, json::Value(trial.ndcg_at_10));
  out.set("ndcg@10_alone", std::move(alone));
  return out;
}

/// A configured weight wins over the learned one.
models::ChannelWeights configured(models::ChannelWeights weights, const Config& config) {
  for (const models::WeightField& field : models::kWeightFields) {
    if (const auto given = config.find_number(fmt::format("engine.{}_weight", field.name))) weights.*field.field = *given;
  }
  return weights;
}

/// What is learned on the time split.
struct Learned {
  ChannelChoice channels;
  RankerChoice ranker;
  features::Vocabularies vocabularies;  ///< by which the ranker knows categories
};

/// The features as of a time, of the newest event when there is none.
features::FeatureSet read_features(const Config& config, std::optional<TimePoint> as_of, const features::Vocabularies& known) {
  table::Engine engine(engine_options(config));
  const lake::Reader reader(config.file_path("lake.folder"));
  reader.attach(engine);
  features::BuildOptions options;
  options.sql_folder = config.file_path("lake.sql_folder");
  options.parameters = query_parameters(config);
  options.known = known;
  if (!as_of) as_of = features::newest_event(engine);
  return features::build_features(engine, options, as_of.value_or(SystemClock().now()));
}

/// Where the features that change with events stand as of a time.
features::OnlineSnapshot read_online(const Config& config, TimePoint as_of) {
  table::Engine engine(engine_options(config));
  const lake::Reader reader(config.file_path("lake.folder"));
  reader.attach(engine);
  return features::read_online_snapshot(engine, config.file_path("lake.sql_folder"), as_of);
}

/// The features that a release is packed with, kept as files of the lake too.
features::FeatureSet read_and_keep_features(const Config& config, const features::Vocabularies& known) {
  features::FeatureSet set = read_features(config, std::nullopt, known);
  table::Engine engine(engine_options(config));
  (void)write_feature_files(engine, set, features_folder(config));
  return set;
}

/// Rankers of the current release, which a new one has to beat, with the codes that they know categories by.
struct PreviousRankers {
  std::vector<models::OwnedRanking::Text> texts;
  features::Vocabularies vocabularies;
};
PreviousRankers read_previous(const bundle::BundleStore& store) {
  PreviousRankers out;
  try {
    const std::optional<std::string> id = store.current();
    if (!id) return out;
    const auto bundle = store.open(*id);
    const auto& ranking = bundle->release().ranking;
    if (ranking == nullptr) return out;
    for (const auto& [domain, texts] : ranking->vocabularies) {
      std::vector<std::string>& copied = out.vocabularies[domain];
      for (std::size_t t = 0; t < texts.size(); ++t) copied.emplace_back(texts[t]);
    }
    for (const auto& ranker : ranking->rankers) {
      // What was imported was not fitted here, and the next release does not take it over.
      if (ranker->format() == models::RankerFormat::kLightGbm)
        out.texts.push_back({ranker->name(), bundle::read_ranker(store.path_of(*id), bundle->manifest(), ranker->name()).bytes});
    }
  } catch (const Error& error) {
    log_warn("train", "the rankers of the current release take no part: {}", error.message());
    return {};
  }
  return out;
}

/// Lists shown from a moment on of which something came.
std::vector<events::RankingGroup> read_exposures(const Config& config, TimePoint from) {
  table::Engine engine(engine_options(config));
  const lake::Reader reader(config.file_path("lake.folder"));
  reader.attach(engine);
  events::RankingOptions options;
  options.sql_folder = config.file_path("lake.sql_folder");
  options.parameters = query_parameters(config);
  options.without_action = events::WithoutAction::kDrop;
  return events::read_ranking_groups(engine, {.from = from}, options);
}

RankerOptions ranker_options(const Config& config, int threads) {
  RankerOptions options;
  const std::string file = config.text("training.ranker_file");
  options.configs = file.empty() ? training::default_ranker_configs()
                                 : training::parse_ranker_configs(read_file(config.file_path("training.ranker_file")), file);
  options.threads = threads;
  return options;
}

Learned learn_on_split(const Config& config, const TrainingInteractions& interactions, const BehaviorModel& behavior,
                       const std::vector<models::UserData>& users, models::ReleaseData& data, SplitOptions options,
                       const bundle::BundleStore& store, const SizeSettings& fitted) {
  Learned learned;
  const std::optional<std::int64_t> moment = split_moment(interactions, options.later_share);
  if (!moment) return learned;
  PreviousRankers previous;
  if (fitted.with_ranker) {
    previous = read_previous(store);
    options.features = [&](const models::ReleaseData& before) {
      // The split's release holds what was before the moment, and so do its features.
      const TimePoint as_of{std::chrono::microseconds(*moment - 1)};
      features::FeatureSet set = read_features(config, as_of, previous.vocabularies);
      std::vector<std::string> names;
      for (const features::Feature& feature : features::all_features()) names.emplace_back(feature.name);
      models::OwnedRanking stored = store_features(set, features::stored_columns(names), before);
      learned.vocabularies = std::move(set.vocabularies);
      return stored;
    };
  }
  const SplitRelease split(interactions, *moment, behavior, data, options);
  if (split.item_pages().empty()) return learned;
  learned.channels = learn_channel_weights(split, {.threads = options.threads});
  if (!fitted.with_ranker) return learned;
  RankerOptions ranking = ranker_options(config, options.threads);
  ranking.previous = std::move(previous.texts);
  ranking.exposures = read_exposures(config, TimePoint(std::chrono::microseconds(*moment)));
  learned.ranker = choose_rankers(split, configured(learned.channels.weights, config), users, ranking);
  if (!learned.ranker.report.rankers.empty())
    write_file_atomic(store.folder() / kRankerPage, format_ranker_html(learned.ranker.report));
  return learned;
}

json::Value ranker_document(const RankerChoice& choice) {
  json::Value out = json::Object{};
  out.set("reason", json::Value(choice.reason));
  out.set("labels", json::Value(choice.labels));
  out.set("rows", json::Value(static_cast<std::int64_t>(choice.n_rows)));
  out.set("train_pages", json::Value(static_cast<std::int64_t>(choice.n_train_groups)));
  out.set("validation_pages", json::Value(static_cast<std::int64_t>(choice.n_validation_groups)));
  out.set("ndcg@10_of_recall", json::Value(choice.ndcg_at_10_of_recall));
  if (choice.ndcg_at_10_of_previous > 0) out.set("ndcg@10_of_previous", json::Value(choice.ndcg_at_10_of_previous));
  json::Array rows;
  for (const ComparedRanker& ranker : choice.report.rankers) {
    json::Value row = json::Object{};
    row.set("name", json::Value(ranker.name));
    row.set("trees", json::Value(static_cast<std::int64_t>(ranker.trees)));
    row.set("bytes", json::Value(static_cast<std::int64_t>(ranker.text_bytes)));
    row.set("ndcg@10", json::Value(ranker.ndcg_at_10));
    row.set("auc", json::Value(ranker.auc));
    row.set("served", json::Value(ranker.is_chosen));
    rows.push_back(std::move(row));
  }
  out.set("compared", json::Value(std::move(rows)));
  return out;
}

void print_weights(const ChannelChoice& choice, const models::ChannelWeights& weights) {
  std::string text;
  for (const models::WeightField& field : models::kWeightFields) {
    if (weights.*field.field > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", field.name, weights.*field.field);
  }
  if (choice.n_item_pages == 0) {
    std::printf("train: channel weights, not learned for want of later events: %s\n", text.c_str());
    return;
  }
  std::printf("train: channel weights %s: NDCG@10 %.4f on %zu pages of later events (defaults %.4f)\n", text.c_str(),
              choice.ndcg_at_10, choice.n_user_pages + choice.n_item_pages, choice.ndcg_at_10_of_defaults);
  if (choice.lead_errors < 2)
    std::printf("train: those are the defaults; the best weights found lead them by %.1f standard errors where 2 are needed\n",
                choice.lead_errors);
}

json::Value content_document(const ContentModel& content) {
  json::Value out = json::Object{};
  out.set("dense_weight", json::Value(content.dense_weight));
  out.set("steps", json::Value(static_cast<std::int64_t>(content.n_cases)));
  json::Array trials;
  for (const ContentTrial& trial : content.trials) {
    json::Value row = json::Object{};
    row.set("dense_weight", json::Value(trial.dense_weight));
    row.set("ndcg@10", json::Value(trial.ndcg_at_10));
    trials.push_back(std::move(row));
  }
  out.set("trials", json::Value(std::move(trials)));
  return out;
}

json::Value vectors_document(const LatentChoice& choice) {
  const training::AlsOptions& als = choice.options.als;
  json::Value out = json::Object{};
  out.set("factors", json::Value(static_cast<std::int64_t>(als.factors)));
  out.set("alpha", json::Value(als.alpha));
  out.set("regularization", json::Value(als.regularization));
  out.set("exponent", json::Value(als.exponent));
  out.set("user_exponent", json::Value(als.user_exponent));
  out.set("iterations", json::Value(static_cast<std::int64_t>(als.iterations)));
  out.set("ndcg@10", json::Value(choice.ndcg_at_10));
  return out;
}

json::Value metrics_document(const BehaviorModel& behavior, const ContentModel& content,
                             const std::optional<LatentChoice>& latent, const Learned& learned) {
  json::Value out = json::Object{};
  out.set("protocol", json::Value("newest item of each history hidden, full ranking, lists as served"));
  out.set("histories", json::Value(static_cast<std::int64_t>(behavior.n_judged)));
  out.set("behavior_method", json::Value(behavior.method));
  out.set("behavior_settings", json::Value(behavior.settings));
  json::Array trials;
  for (const BehaviorTrial& trial : behavior.trials) {
    json::Value row = json::Object{};
    row.set("method", json::Value(trial.method));
    row.set("settings", json::Value(trial.settings));
    row.set("ndcg@10", json::Value(trial.ndcg_at_10));
    row.set("recall@10", json::Value(trial.recall_at_10));
    trials.push_back(std::move(row));
  }
  out.set("trials", json::Value(std::move(trials)));
  out.set("content", content_document(content));
  if (latent) out.set("vectors", vectors_document(*latent));
  out.set("channels", channels_document(learned.channels));
  if (!learned.ranker.reason.empty()) out.set("ranker", ranker_document(learned.ranker));
  return out;
}

/// Searches, keeps what was found and draws it.
void tune(const TrainingInteractions& interactions, const PipelineArguments& arguments, const fs::path& folder,
          BehaviorOptions& options) {
  TuneOptions tuning;
  tuning.trials = arguments.tune_trials;
  tuning.budget = std::chrono::seconds(static_cast<std::int64_t>(arguments.tune_minutes * 60));
  tuning.seed = arguments.tune_seed;
  const TuneResult result = tune_behavior(interactions, options, tuning);
  const TuneTrial& best = result.trials[result.best];
  double usual = 0;
  for (std::size_t t = 0; t < result.n_usual; ++t) usual = std::max(usual, result.trials[t].ndcg_at_10);
  make_folders(folder);
  save_tuned(result, folder / kTunedFile);
  const fs::path page = arguments.tune_report.empty() ? folder / "tuning.html" : arguments.tune_report;
  write_tuning_page(result, page);
  options.further = {best.settings};
  std::printf("tune: %zu trials, best %s %s: NDCG@10 %.4f (untuned %.4f), %s\n", result.trials.size(),
              best.settings.method.c_str(), best.settings.text().c_str(), best.ndcg_at_10, usual, page.c_str());
}

/// Packs it; its card, and the page of the ranker, tell how far its features have moved since the fit.
std::string pack_release(const models::ReleaseData& data, const bundle::BundleInfo& info, const RankerChoice& ranker,
                         const bundle::BundleStore& store, int threads) {
  if (data.ranking.rankers.empty() || ranker.pages.empty()) return bundle::pack(data, info, store.folder());
  std::vector<FeatureStability> stability;
  RankerReport report = ranker.report;
  const std::string id = bundle::pack(data, info, store.folder(), [&](const models::Release& release) {
    stability = measure_stability(release, ranker.pages, ranker.reference, RankerOptions{}.depth, threads);
    for (const FeatureStability& feature : stability) report.drifts.push_back({feature.name, feature.index});
    return format_model_card(ranker, report.drifts);
  });
  save_stability(store, id, stability);
  write_file_atomic(store.folder() / kRankerPage, format_ranker_html(report));
  return id;
}

}  // namespace

int run_train_stage(const Config& config, const PipelineArguments& arguments) {
  TrainingInput input = read_input(config);
  models::ReleaseData& data = input.data;
  const int threads = static_cast<int>(config.integer("pipeline.threads"));
  const SizeSettings fitted = keep_to_budget(config, input);
  const std::size_t neighbors = fitted.neighbors;

  BehaviorOptions options;
  options.method = config.text("training.behavior_method");
  options.neighbors = neighbors;
  options.max_ease_items = fitted.max_ease_items;
  options.with_slim = fitted.with_slim;
  options.threads = threads;
  const bundle::BundleStore store = release_store(config);
  options.further = load_tuned(store.folder() / kTunedFile);
  if (arguments.tune) tune(input.interactions, arguments, store.folder(), options);
  BehaviorModel behavior = fit_behavior(input.interactions, options);
  const std::optional<LatentChoice> latent = choose_latent(input.interactions, options, fitted.vector_factors);
  training::ContentOptions content;
  content.neighbors = neighbors;
  content.threads = threads;
  ContentModel likeness = choose_content(input.interactions, data.items, content);
  data.content = std::move(likeness.neighbours);
  data.text = training::build_text_index(data.items, content);
  data.words = features::build_prefix_arrays(training::build_vocabulary(data.items));

  SplitOptions split_options;
  split_options.neighbors = neighbors;
  if (latent) split_options.latent = latent->options;
  split_options.threads = threads;
  split_options.folder = store.folder();
  std::vector<models::UserData> users = std::move(data.users);
  const Learned learned = learn_on_split(config, input.interactions, behavior, users, data, split_options, store, fitted);
  fit_channels(input.interactions, std::move(behavior.neighbours), split_options.latent, neighbors, threads, data);
  data.users = std::move(users);
  sample_near_users(input.interactions, data);
  data.weights = configured(learned.channels.weights, config);
  input.interactions = {};
  if (!learned.ranker.rankers.empty()) {
    const features::FeatureSet set = read_and_keep_features(config, learned.vocabularies);
    data.ranking = store_features(set, learned.ranker.columns, data);
    data.ranking.rankers = learned.ranker.rankers;
    data.ranking.card = format_model_card(learned.ranker, {});
    data.online = read_online(config, set.as_of);
    data.ranking.as_of = set.as_of;
    data.ranking.reference.features = learned.ranker.reference;
    data.ranking.reference.depth = RankerOptions{}.depth;
    // Rows of what was shown are no candidates, and those of candidates have pages to be made of again.
    data.ranking.reference.of =
        learned.ranker.pages.empty() ? features::RowReference::Of::kShown : features::RowReference::Of::kCandidates;
  }

  bundle::BundleInfo info;
  info.created = SystemClock().now();
  info.product_version = kVersion;
  info.config_hash = config.hash();
  info.sources = input.sources;
  info.metrics = metrics_document(behavior, likeness, latent, learned);
  const std::string id = pack_release(data, info, learned.ranker, store, threads);
  write_file_atomic(store.folder() / "CANDIDATE", id + "\n");
  std::printf("train: %s packed: %zu items, %zu users, behaviour by %s (%s)\n", id.c_str(), data.items.size(), data.users.size(),
              behavior.method.c_str(), behavior.settings.c_str());
  print_weights(learned.channels, data.weights);
  if (!learned.ranker.reason.empty()) std::printf("train: %s\n", learned.ranker.reason.c_str());
  return 0;
}

}  // namespace lodestone::app
