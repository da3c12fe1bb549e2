#include "evaluate_output.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "app.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"

namespace lodestone::app {
namespace {

using evaluation::DatasetSpec;
using evaluation::Kind;
using evaluation::MethodResult;
using evaluation::MetricResult;
using evaluation::Protocol;
using evaluation::SliceResult;
using evaluation::Split;

/// Sets "metrics" and "intervals".
void set_metrics(const std::vector<MetricResult>& metrics, json::Value& row) {
  json::Value values = json::Object{};
  json::Value intervals = json::Object{};
  for (const MetricResult& m : metrics) {
    values.set(m.name, json::Value(m.value));
    if (m.interval) intervals.set(m.name, json::Value(json::Array{json::Value(m.interval->low), json::Value(m.interval->high)}));
  }
  row.set("metrics", std::move(values));
  row.set("intervals", std::move(intervals));
}

std::string cell_of(const MetricResult& m) {
  return m.interval ? fmt::format("{:.4f} +-{:.4f}", m.value, (m.interval->high - m.interval->low) / 2)
                    : fmt::format("{:.4f}", m.value);
}

void print_slices(const EvaluationOutput& output) {
  std::vector<std::string> header{"set", "method", "slice", "users"};
  std::vector<std::vector<std::string>> rows;
  for (const MethodResult& r : output.results) {
    for (const SliceResult& slice : r.slices) {
      if (slice.metrics.empty()) continue;
      if (rows.empty()) {
        for (const MetricResult& m : slice.metrics) header.push_back(m.name);
      }
      std::vector<std::string>& row = rows.emplace_back();
      row = {output.set, r.method, slice.name, std::to_string(slice.users)};
      for (const MetricResult& m : slice.metrics) row.push_back(cell_of(m));
    }
  }
  if (rows.empty()) return;
  std::printf("\n");
  print_table(header, rows);
}

std::string time_text(double epoch_seconds) {
  return format_rfc3339(TimePoint(std::chrono::microseconds(static_cast<std::int64_t>(epoch_seconds * 1e6))));
}

std::string split_sentence(const Protocol& p) {
  switch (p.split) {
    case Split::kGiven: return "The parts are split as the data set gives them; the method is fitted on train alone.";
    case Split::kLeaveOneOut: return "The last item of each user is test, the last but one validation.";
    case Split::kKFold:
      return fmt::format("{} folds by hash with seed {}; every figure is the mean of the folds.", p.folds, p.seed);
    case Split::kPerUser:
      return fmt::format("{:g} % of each user's interactions are train ({}), the rest is test.", p.fraction * 100,
                         p.by == evaluation::PerUserBy::kTime ? "the earliest" : "by hash");
    case Split::kTime:
      return fmt::format(
          "What happened before {} is train, the rest is test{}.", time_text(p.until.value_or(0)),
          p.valid_until ? fmt::format("; of train, what happened from {} on is validation", time_text(*p.valid_until)) : "");
  }
  return "";
}

std::string hide_sentence(const Protocol& p) {
  if (p.hide.empty()) return "No item is hidden from the lists.";
  std::vector<std::string_view> names;
  for (const evaluation::Part part : p.hide) names.push_back(name_of(part));
  return fmt::format("A user's items of {} cannot be listed.", fmt::join(names, " and "));
}

std::string_view cases_of(Kind kind) {
  switch (kind) {
    case Kind::kSessions: return "prefixes of sessions";
    case Kind::kSimilarItems:
    case Kind::kTextSearch: return "queries";
    case Kind::kLtr: return "groups";
    default: return "users";
  }
}

}  // namespace

std::vector<std::string> describe_protocol(const DatasetSpec& spec) {
  const Protocol& p = spec.protocol;
  std::vector<std::string> out;
  if (spec.kind == Kind::kLtr) {
    out.emplace_back(
        "Rows of a group are ranked by score; the gain of a row is 2^label - 1, and a group without a relevant row counts 1.");
  } else if (spec.kind == Kind::kTextSearch) {
    out.emplace_back("Items are ranked for each query by their texts.");
  } else if (spec.kind == Kind::kSimilarItems) {
    out.emplace_back("Items are ranked for each query item by their texts; the item itself is never listed.");
  } else {
    out.push_back(split_sentence(p));
    out.push_back(hide_sentence(p));
  }
  if (spec.kind != Kind::kLtr) {
    out.emplace_back(p.candidates == evaluation::Candidates::kTruth
                         ? "The candidates are the items that occur in the truth."
                         : "Full ranking: every item of the set is a candidate, none is sampled.");
  }
  if (p.value_min) out.push_back(fmt::format("Interactions with a value below {:g} are left out.", *p.value_min));
  out.emplace_back("Settings are chosen without the test part.");
  out.push_back(
      fmt::format("Figures are means over the {} with at least one {}; the interval is the middle 95 % of 1,000 bootstrap draws.",
                  cases_of(spec.kind), spec.kind == Kind::kLtr ? "relevant row, ndcg over all" : "test item"));
  return out;
}

std::string format_evaluation_json(const EvaluationOutput& output) {
  json::Array rows;
  for (const MethodResult& r : output.results) {
    json::Value row = json::Object{};
    row.set("method", json::Value(r.method));
    row.set("settings", json::Value(r.settings));
    set_metrics(r.metrics, row);
    row.set("fit_seconds", json::Value(r.fit_seconds));
    row.set("score_seconds", json::Value(r.score_seconds));
    row.set("peak_mib", json::Value(r.peak_mib));
    row.set("users", json::Value(static_cast<std::int64_t>(r.users)));
    if (!r.slices.empty()) {
      json::Value slices = json::Object{};
      for (const SliceResult& slice : r.slices) {
        json::Value part = json::Object{};
        part.set("users", json::Value(static_cast<std::int64_t>(slice.users)));
        set_metrics(slice.metrics, part);
        slices.set(slice.name, std::move(part));
      }
      row.set("slices", std::move(slices));
    }
    rows.push_back(std::move(row));
  }
  json::Value out = json::Object{};
  out.set("set", json::Value(output.set));
  out.set("results", json::Value(std::move(rows)));
  return json::format(out, 2);
}

void print_evaluation(const EvaluationOutput& output) {
  std::vector<std::string> header{"set", "method"};
  for (const MetricResult& m : output.results.front().metrics) header.push_back(m.name);
  for (const char* name : {"users", "fit s", "score s", "peak MiB", "settings"}) header.emplace_back(name);
  std::vector<std::vector<std::string>> rows;
  for (const MethodResult& r : output.results) {
    std::vector<std::string>& row = rows.emplace_back();
    row = {output.set, r.method};
    for (const MetricResult& m : r.metrics) row.push_back(cell_of(m));
    row.push_back(std::to_string(r.users));
    row.push_back(fmt::format("{:.1f}", r.fit_seconds));
    row.push_back(fmt::format("{:.1f}", r.score_seconds));
    row.push_back(fmt::format("{:.0f}", r.peak_mib));
    row.push_back(r.settings);
  }
  print_table(header, rows);
  print_slices(output);
}

}  // namespace lodestone::app
