#pragma once
// The verbs of the program, one source file each; cli.cpp reads the arguments into these options. Every verb returns the exit code:
// 0 done, 1 failed, 2 usage, 3 a gate refused.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app.hpp"

namespace lodestone::app {

struct InitArguments {
  fs::path folder = ".";
  std::string source;  ///< files:PATH or mysql://...
  std::string matomo;
  std::vector<std::string> settings;  ///< KEY=VALUE
  bool overwrite = false;
};
int run_init(const Globals& globals, const InitArguments& arguments);

int run_check(const Globals& globals);

struct SimulateArguments {
  std::string to;
  std::string matomo;
  std::vector<fs::path> catalogs;
  std::optional<std::int64_t> items;
  std::int64_t users = 10000;
  std::int64_t events = 200000;
  int days = 90;
  std::uint64_t seed = 1;
  std::string end;
  fs::path truth;
  std::string format = "csv";
  bool overwrite = false;
};
int run_simulate(const Globals& globals, const SimulateArguments& arguments);

struct PipelineArguments {
  std::string from = "extract";
  std::string to = "publish";
  bool full = false;
  bool compare = false;
  bool tune = false;  ///< train searches for better settings first
  std::size_t tune_trials = 40;
  double tune_minutes = 10;
  std::uint64_t tune_seed = 1;
  fs::path tune_report = {};               ///< HTML page of the trials; "" = tuning.html beside the bundles
  std::vector<std::string> followed = {};  ///< sources that extract leaves alone, because their log is followed meanwhile
};
/// Runs the stages from..to: extract, build, train, evaluate, publish; or says what they would read and write.
int run_pipeline(const Globals& globals, const PipelineArguments& arguments);
/// Runs all of them at pipeline.interval_minutes until a signal comes.
int run_watch(const Globals& globals, const PipelineArguments& arguments);

struct PlanArguments {
  std::uint64_t items = 0;
  std::uint64_t users = 0;
  std::uint64_t events = 0;
};
/// Memory and disk that a catalogue of that size needs.
int run_plan(const Globals& globals, const PlanArguments& arguments);

struct EvaluateArguments {
  fs::path data;
  std::string method = "auto";
  int threads = 0;
  std::string metrics = {};  ///< instead of the protocol's; "" = those
  bool slices = false;
  bool lake = false;     ///< the config's lake instead of data
  fs::path report = {};  ///< where the HTML page goes; "" = nowhere
};
int run_evaluate(const Globals& globals, const EvaluateArguments& arguments);

struct ServeArguments {
  std::string listen;
  std::string admin;
};
int run_serve(const Globals& globals, const ServeArguments& arguments);

struct BundleArguments {
  std::string id;
  std::string other;
};
int run_bundle_list(const Globals& globals);
int run_bundle_show(const Globals& globals, const BundleArguments& arguments);
int run_bundle_verify(const Globals& globals, const BundleArguments& arguments);
int run_bundle_rollback(const Globals& globals, const BundleArguments& arguments);
int run_bundle_diff(const Globals& globals, const BundleArguments& arguments);

struct ExplainArguments {
  std::optional<std::int64_t> user;
  std::optional<std::int64_t> item;
  std::optional<std::int64_t> target;
  std::size_t limit = 10;
  std::string filter;
  std::string bundle;  ///< id; "" = the current one
};
/// Why a list is what it is, and where an item fell that is not on it.
int run_explain(const Globals& globals, const ExplainArguments& arguments);

struct ReportArguments {
  std::string experiment;    ///< name, of `report experiment`
  std::string since;         ///< "" = the beginning
  std::string until;         ///< "" = the end
  std::string bundle = {};   ///< id, of `report policy`; "" = the current one
  std::string variant = {};  ///< EXPERIMENT:VARIANT whose parameters it is to have; "" = none
  double clip = 50;          ///< weights count as that at most; 0 = whatever they are
};
/// What was shown, from the exposure logs in the lake.
int run_report_recommendations(const Globals& globals, const ReportArguments& arguments);
/// What an experiment says: effects with intervals, whether the split is as planned, and a verdict.
int run_report_experiment(const Globals& globals, const ReportArguments& arguments);
/// What visitors would have clicked had another bundle, or other weights, made the lists.
int run_report_policy(const Globals& globals, const ReportArguments& arguments);

/// What changed what the server does, since a time; "" = all there is.
int run_audit(const Globals& globals, const std::string& since);

struct KeyArguments {
  std::string name;
  std::vector<std::string> scopes = {"recommend", "search", "events"};
  double rate = 0;        ///< requests a second; 0 = no limit
  double burst = 0;       ///< requests at once; 0 = those of a second
  std::string filter;     ///< data sets that it is for; "" = all
  std::string not_after;  ///< "" = it does not expire
};
/// Makes a key of the public port, prints it once and writes its digest into serving.keys_file.
int run_keys_new(const Globals& globals, const KeyArguments& arguments);
int run_keys_list(const Globals& globals);
int run_keys_revoke(const Globals& globals, const KeyArguments& arguments);

struct ModelArguments {
  std::string bundle;                 ///< id; "" = the current one
  std::string ranker;                 ///< name; "" = the preferred one
  fs::path onnx;                      ///< where the ONNX model goes; "" = LightGBM's text to stdout
  fs::path file;                      ///< ONNX model to import
  std::vector<std::string> features;  ///< its columns; empty = the model names them
};
int run_model_list(const Globals& globals, const ModelArguments& arguments);
int run_model_export(const Globals& globals, const ModelArguments& arguments);
/// Packs a new release with an ONNX model as its preferred ranker.
int run_model_import(const Globals& globals, const ModelArguments& arguments);

struct ConfigArguments {
  bool markdown = false;
  bool defaults = false;
};
int run_config(const Globals& globals, const ConfigArguments& arguments);

struct FeatureArguments {
  std::optional<std::int64_t> item;
  std::optional<std::int64_t> user;
  std::string as_of;                  ///< "" = the time of the newest event
  std::optional<std::string> bundle;  ///< "" = the current one
  bool markdown = false;
};
int run_features_list(const Globals& globals, const FeatureArguments& arguments);
/// The vector of one item or user: from the store by key, from a bundle, or, as of a time or without a store, counted from the lake, which counts
/// everything, as ranks and rates need the others.
int run_features_show(const Globals& globals, const FeatureArguments& arguments);
/// Writes features/user.parquet, item.parquet and features.sqlite into the lake's folder.
int run_features_build(const Globals& globals, const FeatureArguments& arguments);

int run_sql(const Globals& globals, const std::string& query);

struct IndexArguments {
  bool allow_lock = false;
  bool no_measure = false;
  fs::path html;
};
int run_indexes_plan(const Globals& globals, const IndexArguments& arguments);
int run_indexes_apply(const Globals& globals, const IndexArguments& arguments);
int run_indexes_verify(const Globals& globals, const IndexArguments& arguments);
int run_indexes_drop(const Globals& globals, const IndexArguments& arguments);

int run_lake_status(const Globals& globals);

int run_quarantine_list(const Globals& globals);
int run_quarantine_show(const Globals& globals, const std::string& table, int limit);

struct ReadmitArguments {
  std::string table;
  std::string reason;
  std::vector<std::string> keys;
};
int run_quarantine_readmit(const Globals& globals, const ReadmitArguments& arguments);

}  // namespace lodestone::app
