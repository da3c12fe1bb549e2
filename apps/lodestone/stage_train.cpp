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
#include "lake/reader.hpp"
#include "lake_access.hpp"
#include "latent_choice.hpp"
#include "release_models.hpp"
#include "size_plan.hpp"
#include "stages.hpp"
#include "training/content.hpp"
#include "training/vocabulary.hpp"
#include "training_input.hpp"
#include "tuning.hpp"
#include "version.hpp"

namespace lodestone::app {
namespace {

/// Beside the bundles: the settings that the last tuning found.
constexpr const char* kTunedFile = "tuned.json";

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
                             const std::optional<LatentChoice>& latent, const ChannelChoice& choice) {
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
  out.set("channels", channels_document(choice));
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
  const bundle::BundleStore store(config.file_path("bundle.folder"));
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

  ChannelWeightOptions weight_options;
  weight_options.neighbors = neighbors;
  if (latent) weight_options.latent = latent->options;
  weight_options.threads = threads;
  weight_options.folder = store.folder();
  std::vector<models::UserData> users = std::move(data.users);
  const ChannelChoice choice = learn_channel_weights(input.interactions, behavior, data, weight_options);
  fit_channels(input.interactions, std::move(behavior.neighbours), weight_options.latent, neighbors, threads, data);
  data.users = std::move(users);
  sample_near_users(input.interactions, data);
  data.weights = configured(choice.weights, config);
  input.interactions = {};

  bundle::BundleInfo info;
  info.created = SystemClock().now();
  info.product_version = kVersion;
  info.config_hash = config.hash();
  info.sources = input.sources;
  info.metrics = metrics_document(behavior, likeness, latent, choice);
  const std::string id = bundle::pack(data, info, store.folder());
  write_file_atomic(store.folder() / "CANDIDATE", id + "\n");
  std::printf("train: %s packed: %zu items, %zu users, behaviour by %s (%s)\n", id.c_str(), data.items.size(), data.users.size(),
              behavior.method.c_str(), behavior.settings.c_str());
  print_weights(choice, data.weights);
  return 0;
}

}  // namespace lodestone::app
