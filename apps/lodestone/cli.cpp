#include "cli.hpp"

#include <CLI/CLI.hpp>

#include <functional>
#include <iostream>

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "verbs.hpp"
#include "version.hpp"

namespace lodestone::app {
namespace {

using Run = std::function<int()>;

/// All options of all verbs, at their defaults until the parser fills them.
struct Arguments {
  Globals globals;
  InitArguments init;
  SimulateArguments simulate;
  PipelineArguments pipeline;
  EvaluateArguments evaluate;
  PlanArguments plan;
  ServeArguments serve;
  BundleArguments bundle;
  ModelArguments model;
  ConfigArguments config;
  FeatureArguments features;
  ExplainArguments explain;
  ReportArguments report;
  KeyArguments keys;
  std::string since;
  IndexArguments indexes;
  std::string query;
  std::string table;
  int limit = 20;
  ReadmitArguments readmit;
};

CLI::App* verb(CLI::App& parent, const std::string& name, const std::string& description, Run& chosen, Run run) {
  CLI::App* app = parent.add_subcommand(name, description);
  app->callback([&chosen, run = std::move(run)] { chosen = run; });
  return app;
}

void add_json(CLI::App* app, Globals& globals) {
  app->add_flag("--json", globals.json, "Print one JSON document instead of a table");
}

void add_dry_run(CLI::App* app, Globals& globals) {
  app->add_flag("--dry-run", globals.dry_run, "Check, say what would be done, one line an effect, and change nothing");
}

/// Which release a verb looks at.
void add_release(CLI::App* app, std::string& id) { app->add_option("--bundle", id, "Release (default: the current)"); }

/// The table of a verb about quarantined rows.
void add_table(CLI::App* app, std::string& table) {
  app->add_option("TABLE", table, "SOURCE.TABLE as quarantine list prints it")->required();
}

void add_init(CLI::App& root, Arguments& a, Run& chosen) {
  CLI::App* app = verb(root, "init", "Write a commented lodestone.yaml, its folders and an admin token", chosen,
                       [&a] { return run_init(a.globals, a.init); });
  app->add_option("DIR", a.init.folder, "Folder to set up")->capture_default_str();
  app->add_option("--source", a.init.source, "Business tables: files:PATH or mysql://USER@HOST:PORT/DB");
  app->add_option("--matomo", a.init.matomo, "Matomo tables, in the same forms; with files the default is the same folder");
  app->add_option("--set", a.init.settings, "Further config values, SECTION.KEY=VALUE")->take_all();
  app->add_flag("--overwrite", a.init.overwrite, "Replace a lodestone.yaml that is there");
  add_dry_run(app, a.globals);
}

void add_simulate(CLI::App& root, Arguments& a, Run& chosen) {
  CLI::App* app = verb(root, "simulate", "Write a simulated marketplace with known ground truth", chosen,
                       [&a] { return run_simulate(a.globals, a.simulate); });
  app->add_option("--to", a.simulate.to, "Where to: files:DIR or mysql://USER@HOST:PORT/DB")->required();
  app->add_option("--matomo", a.simulate.matomo,
                  "Database of the Matomo tables when --to is mysql (default: database matomo of the same server)");
  app->add_option(
      "--catalog", a.simulate.catalogs,
      "Put the visits over this real catalogue (JSON lines, columns mapped by the .yaml beside it); may be given again");
  app->add_option("--items", a.simulate.items, "Data sets, 13000 when not given; not with --catalog");
  app->add_option("--users", a.simulate.users, "Accounts")->capture_default_str();
  app->add_option("--events", a.simulate.events, "Matomo actions, about")->capture_default_str();
  app->add_option("--days", a.simulate.days, "Days of history")->capture_default_str();
  app->add_option("--seed", a.simulate.seed, "Seed; the output is a pure function of seed, sizes, catalogue and end")
      ->capture_default_str();
  app->add_option("--end", a.simulate.end, "Time of the newest event, RFC 3339 (default: now)");
  app->add_option("--truth", a.simulate.truth, "Write the ground truth to this JSON file");
  app->add_option("--format", a.simulate.format, "Files: csv, json or parquet")->capture_default_str();
  app->add_flag("--overwrite", a.simulate.overwrite, "Replace simulated tables that are there");
  add_dry_run(app, a.globals);
}

void add_pipeline(CLI::App& root, Arguments& a, Run& chosen) {
  CLI::App* pipeline = root.add_subcommand("pipeline", "From the sources to a published release");
  pipeline->require_subcommand(1);
  CLI::App* run = verb(*pipeline, "run", "Run extract, build, train, evaluate and publish once", chosen,
                       [&a] { return run_pipeline(a.globals, a.pipeline); });
  run->add_option("--from", a.pipeline.from, "First stage")->capture_default_str();
  run->add_option("--to", a.pipeline.to, "Last stage")->capture_default_str();
  const auto add_extract_flags = [&a](CLI::App* app) {
    CLI::Option* full =
        app->add_flag("--full", a.pipeline.full, "Read the sources anew instead of going on from what the lake has");
    app->add_flag("--compare", a.pipeline.compare, "Compare every table of a database with it whole, and read again what differs")
        ->excludes(full);
  };
  add_extract_flags(run);
  verb(*pipeline, "watch",
       "Run the pipeline at pipeline.interval_minutes, and with capture binlog follow the databases meanwhile, until "
       "SIGINT or SIGTERM",
       chosen, [&a] { return run_watch(a.globals, a.pipeline); });
  add_dry_run(run, a.globals);
  const auto add_tune_flags = [&a](CLI::App* app) {
    CLI::Option* tune =
        app->add_flag("--tune", a.pipeline.tune,
                      "Search for better settings of the behaviour model first; later trainings go on trying what was found");
    app->add_option("--trials", a.pipeline.tune_trials, "Trials of the search, at most")
        ->capture_default_str()
        ->check(CLI::Range(std::size_t{1}, std::size_t{10'000}))
        ->needs(tune);
    app->add_option("--minutes", a.pipeline.tune_minutes, "Time of the search; no trial begins later")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 10'000.0))
        ->needs(tune);
    app->add_option("--seed", a.pipeline.tune_seed, "Seed of the search; the same data and seed give the same trials")
        ->capture_default_str()
        ->needs(tune);
    app->add_option("--report", a.pipeline.tune_report, "HTML page of the trials; the default is tuning.html beside the bundles")
        ->needs(tune);
  };
  const auto stage = [&](const std::string& name, const std::string& description, const std::string& from,
                         const std::string& to) {
    CLI::App* app = verb(root, name, description, chosen, [&a, from, to] {
      a.pipeline.from = from;
      a.pipeline.to = to;
      return run_pipeline(a.globals, a.pipeline);
    });
    add_dry_run(app, a.globals);
    if (name == "extract") add_extract_flags(app);
    if (name == "train") add_tune_flags(app);
  };
  stage("extract", "Read the sources into the lake", "extract", "build");
  stage("train", "Fit the models and pack a release", "train", "train");
  stage("publish", "Check the newest release and make it current", "evaluate", "publish");
}

void add_evaluate(CLI::App& root, Arguments& a, Run& chosen) {
  CLI::App* app = verb(root, "evaluate", "Measure methods on a data set by its protocol", chosen,
                       [&a] { return run_evaluate(a.globals, a.evaluate); });
  CLI::Option_group* input = app->add_option_group("Input", "One of");
  input->add_option("--data", a.evaluate.data, "Folder with dataset.yaml, a dataset file, or the folder of a lake");
  input->add_flag("--lake", a.evaluate.lake, "The interactions in the lake of the configuration, parted by time");
  input->require_option(1);
  app->add_option("--method", a.evaluate.method, "auto, all, or names parted by commas")->capture_default_str();
  app->add_option("--metrics", a.evaluate.metrics, "all, or names parted by commas, instead of the protocol's");
  app->add_option("--report", a.evaluate.report, "Write an HTML page with charts there, too; measures the slices");
  app->add_flag("--slices", a.evaluate.slices, "Measure users and items with few interactions apart, too");
  app->add_option("--threads", a.evaluate.threads, "Threads; 0 is one a core")->capture_default_str();
  add_json(app, a.globals);
}

void add_serve(CLI::App& root, Arguments& a, Run& chosen) {
  CLI::App* app = verb(root, "serve", "Serve the current release over HTTP and follow it", chosen,
                       [&a] { return run_serve(a.globals, a.serve); });
  app->add_option("--listen", a.serve.listen, "HOST:PORT of the public API (default: config serving.listen)");
  app->add_option("--admin", a.serve.admin, "HOST:PORT of the admin port (default: config serving.admin)");
}

void add_bundle(CLI::App& root, Arguments& a, Run& chosen) {
  CLI::App* bundle = root.add_subcommand("bundle", "Releases: list, show, verify, diff, rollback");
  bundle->require_subcommand(1);
  add_json(verb(*bundle, "list", "Releases in the store, newest first", chosen, [&a] { return run_bundle_list(a.globals); }),
           a.globals);
  CLI::App* show =
      verb(*bundle, "show", "The manifest of a release", chosen, [&a] { return run_bundle_show(a.globals, a.bundle); });
  add_json(show, a.globals);
  CLI::App* verify =
      verb(*bundle, "verify", "Check every byte of a release", chosen, [&a] { return run_bundle_verify(a.globals, a.bundle); });
  for (CLI::App* app : {show, verify}) app->add_option("ID", a.bundle.id, "Release")->required();
  CLI::App* rollback = verb(*bundle, "rollback", "Make an earlier release current", chosen,
                            [&a] { return run_bundle_rollback(a.globals, a.bundle); });
  rollback->add_option("ID", a.bundle.id, "Release; without it, the one before the current");
  add_dry_run(rollback, a.globals);
  CLI::App* diff = verb(*bundle, "diff", "What changed from one release to another", chosen,
                        [&a] { return run_bundle_diff(a.globals, a.bundle); });
  diff->add_option("A", a.bundle.id, "Older release")->required();
  diff->add_option("B", a.bundle.other, "Newer release")->required();
  add_json(diff, a.globals);
}

void add_model(CLI::App& root, Arguments& a, Run& chosen) {
  CLI::App* model = root.add_subcommand("model", "Rankers of a release: list, export, import");
  model->require_subcommand(1);
  CLI::App* list = verb(*model, "list", "Rankers of a release, the preferred first", chosen,
                        [&a] { return run_model_list(a.globals, a.model); });
  add_json(list, a.globals);
  CLI::App* write = verb(*model, "export", "Write a ranker for other programs: LightGBM's text to stdout, or an ONNX model",
                         chosen, [&a] { return run_model_export(a.globals, a.model); });
  CLI::Option* onnx =
      write->add_option("--onnx", a.model.onnx, "Write an ONNX model to this file instead; replaces one that is there");
  write->add_option("--ranker", a.model.ranker, "Name of the ranker (default: the preferred)");
  write->add_flag("--json", a.globals.json, "Print one JSON document of what was written")->needs(onnx);
  write->add_flag("--dry-run", a.globals.dry_run, "Check, say what would be written, and write nothing")->needs(onnx);
  CLI::App* import =
      verb(*model, "import", "Pack a new release with an ONNX model as its preferred ranker; bundle rollback ID makes it current",
           chosen, [&a] { return run_model_import(a.globals, a.model); });
  import->add_option("FILE", a.model.file, "ONNX model: rows of float32 features to a score each")->required();
  import->add_option("--name", a.model.ranker, "Name of the ranker: small letters, digits, _ and -")->required();
  import
      ->add_option("--features", a.model.features,
                   "Its columns, parted by commas, where its metadata feature_names does not name them")
      ->delimiter(',')
      ->allow_extra_args(false);
  add_json(import, a.globals);
  add_dry_run(import, a.globals);
  for (CLI::App* app : {list, write, import}) add_release(app, a.model.bundle);
}

void add_lake(CLI::App& root, Arguments& a, Run& chosen) {
  CLI::App* sql = verb(
      root, "sql",
      "Query the lake: canonical tables by name, source tables as raw_business.TABLE, raw_matomo.TABLE, raw_exposures.exposures",
      chosen, [&a] { return run_sql(a.globals, a.query); });
  sql->add_option("QUERY", a.query, "One SELECT")->required();
  add_json(sql, a.globals);
  CLI::App* lake = root.add_subcommand("lake", "The lake's tables");
  lake->require_subcommand(1);
  add_json(verb(*lake, "status", "Each source table: rows, the newest change there and here, and by how much it is behind",
                chosen, [&a] { return run_lake_status(a.globals); }),
           a.globals);
  CLI::App* quarantine = root.add_subcommand("quarantine", "Rows that did not fit their table contract");
  quarantine->require_subcommand(1);
  add_json(verb(*quarantine, "list", "Tables with quarantined rows and the reasons", chosen,
                [&a] { return run_quarantine_list(a.globals); }),
           a.globals);
  CLI::App* show =
      verb(*quarantine, "show", "The rows themselves", chosen, [&a] { return run_quarantine_show(a.globals, a.table, a.limit); });
  add_table(show, a.table);
  show->add_option("--limit", a.limit, "Rows at most")->capture_default_str();
  add_json(show, a.globals);
  CLI::App* readmit = verb(*quarantine, "readmit", "Take rows back that fit the contract as it is now; the others stay", chosen,
                           [&a] { return run_quarantine_readmit(a.globals, a.readmit); });
  add_table(readmit, a.readmit.table);
  readmit->add_option("--reason", a.readmit.reason, "Only rows whose reason begins so");
  readmit->add_option("--keys", a.readmit.keys, "Only rows with these keys, parted by commas; values of several key columns by /")
      ->delimiter(',')
      ->allow_extra_args(false);
  add_json(readmit, a.globals);
  add_dry_run(readmit, a.globals);
}

void add_explain(CLI::App& root, Arguments& a, Run& chosen) {
  CLI::App* explain =
      verb(root, "explain", "Why a list is what it is, and why an item is not on it; from a release, without a server", chosen,
           [&a] { return run_explain(a.globals, a.explain); });
  explain->add_option("--user", a.explain.user, "Id of an account: what is recommended to it");
  explain->add_option("--item", a.explain.item, "Id of a data set: what stands on its page, for the user if one is named");
  explain->add_option("--target", a.explain.target, "Id of a data set: why it is on the list, or where it fell");
  explain->add_option("--limit", a.explain.limit, "Items in the list")->check(CLI::Range(1, 50))->capture_default_str();
  explain->add_option("--filter", a.explain.filter, "As of the list endpoints: price<=10 and category in (\"weather\")");
  add_release(explain, a.explain.bundle);
  add_json(explain, a.globals);
}

void add_report(CLI::App& root, Arguments& a, Run& chosen) {
  CLI::App* report = root.add_subcommand("report", "What happened, from the lake");
  report->require_subcommand(1);
  CLI::App* shown =
      verb(*report, "recommendations", "What was shown: lists and items by endpoint, channel, degrade reason and variant", chosen,
           [&a] { return run_report_recommendations(a.globals, a.report); });
  CLI::App* experiment = verb(*report, "experiment", "What an experiment says: effects with intervals, the split, a verdict",
                              chosen, [&a] { return run_report_experiment(a.globals, a.report); });
  experiment->add_option("NAME", a.report.experiment, "Name of the experiment in serving.experiments_file")->required();
  CLI::App* policy =
      verb(*report, "policy", "What visitors would have clicked had another bundle, or other weights, made the lists", chosen,
           [&a] { return run_report_policy(a.globals, a.report); });
  add_release(policy, a.report.bundle);
  policy->add_option("--variant", a.report.variant,
                     "EXPERIMENT:VARIANT of serving.experiments_file, whose parameters it is to have");
  policy->add_option("--clip", a.report.clip, "Weights count as that at most; 0 is whatever they are")->capture_default_str();
  for (CLI::App* one : {shown, experiment, policy}) {
    one->add_option("--since", a.report.since, "Only what was shown from this time on, RFC 3339");
    one->add_option("--until", a.report.until, "Only what was shown before this time, RFC 3339");
    add_json(one, a.globals);
  }
}

void add_audit(CLI::App& root, Arguments& a, Run& chosen) {
  CLI::App* audit = verb(root, "audit", "What changed what the server does, and who did it (docs/audit.md)", chosen,
                         [&a] { return run_audit(a.globals, a.since); });
  audit->add_option("--since", a.since, "Only from this time on, RFC 3339");
  add_json(audit, a.globals);
}

void add_keys(CLI::App& root, Arguments& a, Run& chosen) {
  CLI::App* keys = root.add_subcommand("keys", "Keys of the public port (docs/keys.md)");
  keys->require_subcommand(1);
  CLI::App* made = verb(*keys, "new", "Make a key and print it, this once; its digest goes into serving.keys_file", chosen,
                        [&a] { return run_keys_new(a.globals, a.keys); });
  CLI::App* list = verb(*keys, "list", "The keys there are, without what only their owners know", chosen,
                        [&a] { return run_keys_list(a.globals); });
  CLI::App* revoke =
      verb(*keys, "revoke", "Let a key be good no longer", chosen, [&a] { return run_keys_revoke(a.globals, a.keys); });
  made->add_option("--name", a.keys.name, "Name in metrics, logs and exposures")->required();
  made->add_option("--scope", a.keys.scopes, "What it is good for: recommend, search, events, explain")
      ->delimiter(',')
      ->capture_default_str();
  made->add_option("--rate", a.keys.rate, "Requests a second; 0 is no limit")->capture_default_str();
  made->add_option("--burst", a.keys.burst, "Requests at once after a pause; 0 is as many as in a second")->capture_default_str();
  made->add_option("--filter", a.keys.filter, "Only data sets for which this filter holds (docs/filter.md)");
  made->add_option("--not-after", a.keys.not_after, "Until when it is good, RFC 3339");
  revoke->add_option("NAME", a.keys.name, "Name of the key")->required();
  for (CLI::App* one : {made, list}) add_json(one, a.globals);
}

void add_features(CLI::App& root, Arguments& a, Run& chosen) {
  CLI::App* features = root.add_subcommand("features", "What the ranker knows about users, items, pairs and requests");
  features->require_subcommand(1);
  CLI::App* list = verb(*features, "list", "All features: type, default, source and meaning", chosen,
                        [&a] { return run_features_list(a.globals, a.features); });
  list->add_flag("--markdown", a.features.markdown, "Print docs/features.md instead");
  CLI::App* show = verb(*features, "show", "The values of one item or user, and where each is from", chosen,
                        [&a] { return run_features_show(a.globals, a.features); });
  CLI::Option_group* whose = show->add_option_group("Whose", "One of");
  whose->add_option("--item", a.features.item, "Id of a data set");
  whose->add_option("--user", a.features.user, "Id of an account");
  whose->require_option(1);
  CLI::App* build =
      verb(*features, "build", "Write all of users and items to the lake's folder features/: Parquet, and a store by key", chosen,
           [&a] { return run_features_build(a.globals, a.features); });
  build->add_option("--as-of", a.features.as_of, "What was known at this time, RFC 3339 (default: that of the newest event)");
  CLI::Option* as_of = show->add_option("--as-of", a.features.as_of,
                                        "Count from the lake what was known at this time, RFC 3339 (default: read the store)");
  show->add_option("--bundle", a.features.bundle, "Read a release instead, by its id or the current one: what serving sees")
      ->expected(0, 1)
      ->default_str("")
      ->excludes(as_of);
  for (CLI::App* app : {list, show, build}) add_json(app, a.globals);
}

void add_indexes(CLI::App& root, Arguments& a, Run& chosen) {
  CLI::App* indexes = root.add_subcommand("indexes", "Indexes of the source databases that reading changes needs");
  indexes->require_subcommand(1);
  CLI::App* plan = verb(*indexes, "plan", "Which indexes are needed, which are there, and why; changes nothing", chosen,
                        [&a] { return run_indexes_plan(a.globals, a.indexes); });
  CLI::App* apply = verb(*indexes, "apply", "Make what is missing while others write, and measure what it brings and costs",
                         chosen, [&a] { return run_indexes_apply(a.globals, a.indexes); });
  CLI::App* verify =
      verb(*indexes, "verify", "Prove by EXPLAIN that they are used, and count how often; exit 1 if one of ours is not", chosen,
           [&a] { return run_indexes_verify(a.globals, a.indexes); });
  CLI::App* drop = verb(*indexes, "drop", "Drop those that apply made, and no others", chosen,
                        [&a] { return run_indexes_drop(a.globals, a.indexes); });
  for (CLI::App* app : {apply, drop}) {
    add_dry_run(app, a.globals);
    app->add_flag("--allow-lock", a.indexes.allow_lock, "Where the server cannot do it online, let writes to the table wait");
  }
  apply->add_flag("--no-measure", a.indexes.no_measure, "Do not measure reading and writing before and after");
  for (CLI::App* app : {plan, apply, verify, drop}) {
    add_json(app, a.globals);
    app->add_option("--html", a.indexes.html, "Write the report to this file as a page, too");
  }
}

void add_plan(CLI::App& root, Arguments& a, Run& chosen) {
  CLI::App* app = verb(root, "plan", "Memory and disk that a catalogue of a given size will need, stage by stage", chosen,
                       [&a] { return run_plan(a.globals, a.plan); });
  app->add_option("--items", a.plan.items, "Data sets")->required();
  app->add_option("--users", a.plan.users, "People: accounts and guests")->required();
  app->add_option("--events", a.plan.events, "Views, clicks and orders in all")->required();
  add_json(app, a.globals);
}

void add_config(CLI::App& root, Arguments& a, Run& chosen) {
  CLI::App* app = verb(root, "config", "The effective configuration and where each value came from", chosen,
                       [&a] { return run_config(a.globals, a.config); });
  app->add_flag("--markdown", a.config.markdown, "Print docs/config.md instead");
  app->add_flag("--defaults", a.config.defaults, "Print the commented default file instead");
  add_json(app, a.globals);
}

/// The first word of the line that is no option, for a sentence about an unknown verb.
std::string first_word(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "-c" || word == "--config") {
      ++i;
    } else if (!word.starts_with("-")) {
      return word;
    }
  }
  return "";
}

int usage_error(const CLI::App& root, int argc, const char* const* argv, const CLI::ParseError& error) {
  std::vector<std::string> names;
  for (const CLI::App* sub : root.get_subcommands([](const CLI::App*) { return true; })) names.push_back(sub->get_name());
  const std::string word = first_word(argc, argv);
  if (!word.empty() && std::find(names.begin(), names.end(), word) == names.end()) {
    std::cerr << "lodestone: unknown verb \"" << word << "\"" << suggest(word, names) << "\nRun lodestone --help for the list.\n";
  } else {
    std::cerr << "lodestone: " << error.what() << "\nRun lodestone " << (word.empty() ? "" : word + " ")
              << "--help for what it takes.\n";
  }
  return 2;
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  Arguments arguments;
  Run chosen;
  CLI::App root(
      "Lodestone, a recommendation engine for data marketplaces.\n"
      "Exit codes: 0 done, 1 failed, 2 usage, 3 a gate refused.",
      "lodestone");
  root.set_version_flag("--version", std::string("lodestone ") + kVersion);
  root.add_option("-c,--config", arguments.globals.config_file,
                  "Config file (default: lodestone.yaml here, else built-in defaults)");
  root.require_subcommand(1);
  add_init(root, arguments, chosen);
  add_simulate(root, arguments, chosen);
  add_pipeline(root, arguments, chosen);
  add_evaluate(root, arguments, chosen);
  add_serve(root, arguments, chosen);
  add_bundle(root, arguments, chosen);
  add_model(root, arguments, chosen);
  add_lake(root, arguments, chosen);
  add_features(root, arguments, chosen);
  add_explain(root, arguments, chosen);
  add_report(root, arguments, chosen);
  add_keys(root, arguments, chosen);
  add_audit(root, arguments, chosen);
  add_indexes(root, arguments, chosen);
  add_plan(root, arguments, chosen);
  add_config(root, arguments, chosen);
  verb(root, "check", "Check config, contracts, disk, certificates, channels and sources: one line each", chosen,
       [&arguments] { return run_check(arguments.globals); });
  try {
    root.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return root.exit(success);  // --help and --version
  } catch (const CLI::ParseError& error) {
    return usage_error(root, argc, argv, error);
  }
  return chosen();
}

}  // namespace lodestone::app
