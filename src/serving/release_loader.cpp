#include "serving/release_loader.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"

namespace lodestone::serving {

namespace {

/// Pages made over a new release before it is swapped in, spread over the catalogue: they map what requests will touch.
constexpr std::size_t kWarmPages = 500;

void make_warm(const models::Release& release) {
  engine::Scratch scratch;
  engine::Page page;
  engine::warm(release, scratch, page);
  engine::PageRequest request;
  request.limit = 50;
  const std::size_t n = release.catalog.n_items();
  for (std::size_t i = 0; i < n; i += std::max<std::size_t>(1, n / kWarmPages)) {
    request.item = static_cast<ItemIndex>(i);
    engine::recommend(release, request, scratch, page);
  }
}

std::string feature_snapshot_of(const bundle::Manifest& manifest) {
  constexpr std::size_t kDigits = 16;
  for (const bundle::BundleFile& file : manifest.files) {
    if (file.name == bundle::kFeatureFile) return file.sha256.substr(0, kDigits);
  }
  return "";
}

json::Value id_or_null(const ReleasePointer& release) { return release ? json::Value(release->release().id) : json::Value(); }

/// What the audit log says of a change: what is to be, what was before.
json::Value change(std::string_view id, const ReleasePointer& before) {
  json::Value out = json::Object{};
  out.set("bundle", id.empty() ? json::Value() : json::Value(std::string(id)));
  out.set("before", id_or_null(before));
  return out;
}

json::Value trial_change(const std::optional<bundle::Trial>& trial, const ReleasePointer& before) {
  json::Value out = change(trial ? std::string_view(trial->id) : "", before);
  if (!trial) return out;
  out.set("mode", json::Value(std::string(trial_mode_name(trial->mode))));
  out.set("share", json::Value(trial->share));
  out.set("run_id", trial->run_id.empty() ? json::Value() : json::Value(trial->run_id));
  return out;
}

}  // namespace

ReleaseLoader::ReleaseLoader(bundle::BundleStore store, ReleaseHolder& releases, ServingMetrics& metrics, const Clock& clock,
                             std::function<std::string(const models::Release&)> make_demo, LiveFeatureSet* live_features,
                             int n_threads)
    : store_(std::move(store)),
      releases_(&releases),
      metrics_(&metrics),
      clock_(&clock),
      make_demo_(std::move(make_demo)),
      live_features_(live_features),
      n_threads_(static_cast<std::size_t>(n_threads)) {}

ReleasePointer ReleaseLoader::open(const std::string& id) const {
  auto loaded = std::make_shared<LoadedRelease>();
  // While a release is serving, verifying the next one must not take the cores from those who answer.
  const int n_threads = releases_->get() ? 1 : 0;
  loaded->bundle = store_.open(id, n_threads);
  make_warm(loaded->release());
  loaded->etag_seed = xxh3(id);
  if (live_features_ != nullptr) loaded->live = live_features_->open(*loaded->bundle);
  if (make_demo_) loaded->demo = make_demo_(loaded->release());
  loaded->loaded_at = clock_->now();
  loaded->ranking_breaker = std::make_shared<Breaker>(ranking_breaker_);
  loaded->drift = DriftCounts::make(loaded->release(), n_threads_);
  loaded->feature_snapshot_id = feature_snapshot_of(loaded->bundle->manifest());
  return loaded;
}

void ReleaseLoader::swap_in(ReleasePointer next) {
  const std::string id = next->release().id;
  metrics_->set_bundle(id, next->loaded_at);
  metrics_->count_reload(ServingMetrics::Reload::kLoaded);
  log_info("serving", "bundle {} answers now: {} items, {} users", id, next->release().catalog.n_items(),
           next->release().users.size());
  const auto lineup = releases_->lineup();
  releases_->set(std::move(next));
  if (lineup && lineup->trial && lineup->terms.id == id) {
    metrics_->clear_trial_share();
    store_.end_trial();  // it has become the current one
    seen_trial_ = {};
  }
  const std::lock_guard lock(state_mutex_);
  refusal_.reset();
}

void ReleaseLoader::refuse(const std::string& sentence) {
  const ReleasePointer now = releases_->get();
  metrics_->count_reload(ServingMetrics::Reload::kRefused);
  log_error("serving", "refused a bundle: {}; {}", sentence,
            now ? "goes on with " + now->release().id : "there is none to go on with");
  const std::lock_guard lock(state_mutex_);
  refusal_ = sentence;
}

void ReleaseLoader::begin(ReleasePointer release, const bundle::Trial& trial) {
  log_info("serving", "bundle {} is tried as {} with a share of {}{}{}", trial.id, trial_mode_name(trial.mode), trial.share,
           trial.run_id.empty() ? "" : ", run ", trial.run_id);
  metrics_->count_reload(ServingMetrics::Reload::kLoaded);
  metrics_->set_trial_share(trial);
  releases_->set_trial(std::move(release), trial);
}

void ReleaseLoader::stop_trial(std::string_view why) {
  const auto lineup = releases_->lineup();
  metrics_->clear_trial_share();
  if (!lineup || !lineup->trial) return;
  log_info("serving", "the {} of bundle {} has ended: {}", trial_mode_name(lineup->terms.mode), lineup->terms.id, why);
  releases_->end_trial();
}

void ReleaseLoader::look() {
  const std::lock_guard lock(load_mutex_);
  look_at_current();
  look_at_trial();
}

void ReleaseLoader::note(std::string_view file, json::Value arguments, const std::string& problem) const {
  if (audit_ == nullptr) return;
  audit_->write({.action = fmt::format("{} file", file),
                 .actor = "file",
                 .arguments = std::move(arguments),
                 .outcome = problem.empty() ? "done" : "refused",
                 .detail = problem});
}

void ReleaseLoader::look_at_current() {
  const FileStamp now = stamp_of(store_.folder() / "CURRENT");
  if (now == seen_current_) return;
  seen_current_ = now;
  const ReleasePointer serving = releases_->get();
  std::string named;
  try {
    const auto id = store_.current();
    if (!id) return;
    named = *id;
    if (serving && serving->release().id == *id && !last_refusal()) return;  // load() wrote CURRENT itself
    swap_in(open(*id));
    note("CURRENT", change(named, serving));
  } catch (const std::exception& error) {  // whatever it is, this thread must go on looking
    refuse(error.what());
    note("CURRENT", change(named, serving), error.what());
  }
}

void ReleaseLoader::look_at_trial() {
  const FileStamp now = stamp_of(store_.folder() / "TRIAL");
  if (now == seen_trial_) return;
  seen_trial_ = now;
  const auto lineup = releases_->lineup();
  const ReleasePointer tried = lineup ? lineup->trial : nullptr;
  std::optional<bundle::Trial> trial;
  try {
    trial = store_.trial();
    if (!trial) {
      stop_trial("somebody removed it from the store");
      if (tried) note("TRIAL", trial_change(trial, tried));
      return;
    }
    if (lineup && lineup->current && lineup->current->release().id == trial->id) return;
    if (tried && lineup->terms == *trial) return;  // start_trial() wrote it itself
    begin(tried && lineup->terms.id == trial->id ? tried : open(trial->id), *trial);
    note("TRIAL", trial_change(trial, tried));
  } catch (const std::exception& error) {
    stop_trial("another was to begin");
    metrics_->count_reload(ServingMetrics::Reload::kRefused);
    log_error("serving", "did not start the trial: {}", error.what());
    note("TRIAL", trial_change(trial, tried), error.what());
  }
}

std::string ReleaseLoader::reload_current() {
  const std::lock_guard lock(load_mutex_);
  const auto id = store_.current();
  if (!id) fail(ErrorCode::kNotFound, "{}: no bundle is current; lodestone publish makes one", store_.folder().string());
  seen_current_ = stamp_of(store_.folder() / "CURRENT");
  try {
    swap_in(open(*id));
  } catch (const std::exception& error) {
    refuse(error.what());
    throw;
  }
  return *id;
}

template <typename Load>
void ReleaseLoader::run_load(const std::string& id, Load load) {
  const std::lock_guard lock(load_mutex_);
  const fs::path folder = store_.path_of(id);  // an unknown id is the caller's mistake, not a refused bundle
  try {
    load();
  } catch (const std::exception& error) {
    metrics_->count_reload(ServingMetrics::Reload::kRefused);
    log_error("serving", "did not load {}: {}", folder.string(), error.what());
    throw;
  }
}

void ReleaseLoader::load(const std::string& id) {
  run_load(id, [&] {
    ReleasePointer next = open(id);
    store_.publish(id);
    seen_current_ = stamp_of(store_.folder() / "CURRENT");
    swap_in(std::move(next));
  });
}

void ReleaseLoader::start_trial(const bundle::Trial& trial) {
  run_load(trial.id, [&] {
    ReleasePointer next = open(trial.id);
    store_.start_trial(trial);
    seen_trial_ = stamp_of(store_.folder() / "TRIAL");
    begin(std::move(next), trial);
  });
}

void ReleaseLoader::end_trial(const std::string& id, std::string_view why) {
  const std::lock_guard lock(load_mutex_);
  const auto lineup = releases_->lineup();
  if (!lineup || !lineup->trial || lineup->terms.id != id) fail(ErrorCode::kNotFound, "bundle {} is not tried", id);
  stop_trial(why);                                    // at once, whatever the store says
  seen_trial_ = stamp_of(store_.folder() / "TRIAL");  // should it stay there, it does not begin again
  store_.end_trial();
  seen_trial_ = {};
}

std::string ReleaseLoader::roll_back() {
  const std::lock_guard lock(load_mutex_);
  const auto lineup = releases_->lineup();
  if (lineup && lineup->current && lineup->trial && lineup->terms.mode == bundle::TrialMode::kRollout) {
    store_.end_trial();
    seen_trial_ = {};
    stop_trial("rolled back");
    return lineup->current->release().id;
  }
  std::string id = store_.rollback(std::nullopt);
  seen_current_ = stamp_of(store_.folder() / "CURRENT");
  swap_in(open(id));
  return id;
}

std::optional<std::string> ReleaseLoader::last_refusal() const {
  const std::lock_guard lock(state_mutex_);
  return refusal_;
}

}  // namespace lodestone::serving
