// lodestone report experiment: what an experiment says, from the exposure logs and events in the lake.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <optional>

#include "app.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/nearest.hpp"
#include "evaluation/experiment.hpp"
#include "lake_access.hpp"
#include "report_experiment.hpp"
#include "report_lake.hpp"
#include "serving/experiments.hpp"
#include "table/sql_text.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

using evaluation::Effect;
using evaluation::UnitOutcome;

struct Metric {
  std::string_view name;
  double ReportedUnit::*amount;
};
constexpr std::array<Metric, 3> kMetrics = {
    {{"clicks a list", &ReportedUnit::clicks}, {"orders a list", &ReportedUnit::orders}, {"yuan a list", &ReportedUnit::value}}};

const serving::Experiment& find_experiment(const serving::Experiments& experiments, const std::string& name,
                                           const std::string& file) {
  std::vector<std::string> names;
  for (const serving::Experiment& one : experiments.all()) {
    if (one.name == name) return one;
    names.push_back(one.name);
  }
  fail(ErrorCode::kNotFound, "{} has no experiment \"{}\"{}", file, name, suggest(name, names));
}

/// Place of the unit's variant; none where the variants leave it out.
std::optional<std::size_t> variant_of(const serving::Experiment& experiment, std::string_view unit) {
  const double bucket = serving::unit_bucket(experiment.salt, unit);
  double until = 0;
  for (std::size_t v = 0; v < experiment.variants.size(); ++v) {
    until += experiment.variants[v].allocation;
    if (bucket < until) return v;
  }
  return std::nullopt;
}

/// Whether a list's experiment_variant says that the unit was in this variant: its name, or "experiment:variant" among others.
bool is_label_of(std::string_view label, const serving::Experiment& experiment, const std::string& variant) {
  if (label == variant) return true;
  return ("+" + std::string(label) + "+").find(fmt::format("+{}:{}+", experiment.name, variant)) != std::string::npos;
}

/// When the first list was shown that a variant had a part in, control aside, whose name stands for everybody without an experiment, too.
std::string beginning_of(table::Engine& engine, const serving::Experiment& experiment) {
  std::optional<std::int64_t> first;
  engine.query(
      "SELECT x.experiment_variant, unix_micros(min(x.at)) FROM raw_exposures.exposures x WHERE x.experiment_variant IS NOT NULL "
      "GROUP BY 1",
      [&](const table::Chunk& chunk) {
        for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
          const std::string label = chunk.format_at(0, r);
          const bool takes_part = std::ranges::any_of(experiment.variants, [&](const serving::ExperimentVariant& variant) {
            return label != "control" && is_label_of(label, experiment, variant.name);
          });
          if (takes_part && (!first || chunk.int_at(1, r) < *first)) first = chunk.int_at(1, r);
        }
      });
  if (!first)
    fail(ErrorCode::kNotFound,
         "no list in the lake was made by a variant of {}; it has not run, or lodestone extract has not read since",
         experiment.name);
  return format_rfc3339(TimePoint(std::chrono::microseconds(*first)));
}

std::vector<ReportedUnit> read_units(table::Engine& engine, const fs::path& sql_folder, const table::Parameters& parameters) {
  std::vector<ReportedUnit> out;
  const table::SqlFile query = table::SqlFile::load(sql_folder, "reports/experiment_units");
  engine.query(query.render(parameters), [&](const table::Chunk& chunk) {
    for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
      out.push_back({chunk.format_at(0, r), static_cast<double>(chunk.int_at(1, r)), static_cast<double>(chunk.int_at(2, r)),
                     static_cast<double>(chunk.int_at(3, r)), chunk.double_at(4, r), static_cast<double>(chunk.int_at(5, r)),
                     chunk.is_null(6, r) ? "" : chunk.format_at(6, r), chunk.is_null(7, r) ? "" : chunk.format_at(7, r)});
    }
  });
  return out;
}

json::Value describe(const Effect& effect, evaluation::Verdict verdict, double split_p, const std::string& treatment) {
  const auto number = [](double value) { return std::isfinite(value) ? json::Value(value) : json::Value(); };
  json::Value out;
  out.set("control", number(effect.control));
  out.set("treatment", number(effect.treatment));
  out.set("difference", number(effect.difference));
  out.set("low", number(effect.low));
  out.set("high", number(effect.high));
  out.set("relative", number(effect.relative(effect.difference)));
  out.set("p", number(effect.p));
  out.set("variance_left", number(effect.variance_left));
  out.set("verdict", json::Value(evaluation::verdict_sentence(verdict, effect, split_p, treatment)));
  return out;
}

}  // namespace

ExperimentReport report_experiment(const serving::Experiment& experiment, const std::vector<ReportedUnit>& units) {
  ExperimentReport out;
  const std::size_t n = experiment.variants.size();
  out.outcomes.resize(n);
  std::vector<std::uint64_t> counts(n);
  std::vector<double> shares(n);
  for (std::size_t v = 0; v < n; ++v) shares[v] = experiment.variants[v].allocation;
  for (const ReportedUnit& unit : units) {
    const auto v = variant_of(experiment, unit.unit);
    if (!v) continue;
    ++counts[*v];
    out.outcomes[*v].push_back(&unit);
    const std::string& name = experiment.variants[*v].name;
    const bool agrees = is_label_of(unit.first_label, experiment, name) && is_label_of(unit.last_label, experiment, name);
    out.n_mislabelled += agrees ? 0U : 1U;
  }
  out.split_p = evaluation::sample_ratio_p(counts, shares);
  const auto named = std::ranges::find(experiment.variants, "control", &serving::ExperimentVariant::name);
  out.control = named == experiment.variants.end() ? 0 : static_cast<std::size_t>(named - experiment.variants.begin());
  return out;
}

int run_report_experiment(const Globals& globals, const ReportArguments& arguments) {
  const Config config = load_config(globals);
  const fs::path file = config.file_path("serving.experiments_file");
  if (!fs::exists(file))
    fail(ErrorCode::kNotFound, "{}: there is no such file; docs/experiments.md says what it holds", file.string());
  const serving::Experiments experiments = serving::Experiments::parse(read_file(file), file.string());
  const serving::Experiment& experiment = find_experiment(experiments, arguments.experiment, file.string());
  table::Engine engine(engine_options(config));
  attach_exposures(engine, config);
  table::Parameters times = report_times(arguments);
  if (arguments.since.empty()) times["since"] = beginning_of(engine, experiment);
  const std::vector<ReportedUnit> units = read_units(engine, config.file_path("lake.sql_folder"), times);
  const ExperimentReport report = report_experiment(experiment, units);

  json::Value document;
  document.set("experiment", json::Value(experiment.name));
  document.set("since", json::Value(times.at("since")));
  document.set("split_p", json::Value(report.split_p));
  document.set("mislabelled", json::Value(static_cast<std::int64_t>(report.n_mislabelled)));
  json::Array variants;
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> sentences;
  for (std::size_t v = 0; v < experiment.variants.size(); ++v) {
    const std::string& name = experiment.variants[v].name;
    json::Value& described = variants.emplace_back(json::Object{});
    described.set("name", json::Value(name));
    described.set("allocation", json::Value(experiment.variants[v].allocation));
    described.set("units", json::Value(static_cast<std::int64_t>(report.outcomes[v].size())));
    double lists = 0;
    for (const ReportedUnit* unit : report.outcomes[v]) lists += unit->lists;
    described.set("lists", json::Value(static_cast<std::int64_t>(lists)));
    for (const Metric& metric : kMetrics) {
      double sum = 0;
      for (const ReportedUnit* unit : report.outcomes[v]) sum += unit->*metric.amount;
      std::vector<std::string> row = {name,
                                      std::to_string(report.outcomes[v].size()),
                                      fmt::format("{:.0f}", lists),
                                      std::string(metric.name),
                                      lists > 0 ? fmt::format("{:.5f}", sum / lists) : "",
                                      "",
                                      ""};
      if (v != report.control && std::min(report.outcomes[v].size(), report.outcomes[report.control].size()) >= 2) {
        const auto take = [&](std::size_t of) {
          std::vector<UnitOutcome> taken;
          for (const ReportedUnit* unit : report.outcomes[of]) taken.push_back({unit->*metric.amount, unit->lists, unit->before});
          return taken;
        };
        const Effect effect = evaluation::compare_variants(take(report.control), take(v));
        const evaluation::Verdict verdict = evaluation::judge(effect, report.split_p);
        row[5] = fmt::format("{:+.5f} ({:+.5f} to {:+.5f})", effect.difference, effect.low, effect.high);
        row[6] = fmt::format("{:.4f}", effect.p);
        sentences.push_back(
            fmt::format("{}: {}", metric.name, evaluation::verdict_sentence(verdict, effect, report.split_p, name)));
        described.set(std::string(metric.name), describe(effect, verdict, report.split_p, name));
      }
      rows.push_back(std::move(row));
    }
  }
  document.set("variants", json::Value(std::move(variants)));
  if (globals.json) {
    print_json(json::format(document, 1));
    return 0;
  }
  print_table({"variant", "units", "lists", "metric", "value", "difference to control (95 %)", "p"}, rows);
  for (const std::string& sentence : sentences) std::printf("%s\n", sentence.c_str());
  std::printf("split as planned: p = %.3g\n", report.split_p);
  if (report.n_mislabelled > 0) {
    std::printf(
        "%zu units have lists of another variant than the file deals them: it was changed meanwhile; narrow the report by "
        "--since\n",
        report.n_mislabelled);
  }
  return 0;
}

}  // namespace lodestone::app
