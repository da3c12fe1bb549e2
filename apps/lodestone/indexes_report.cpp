#include "indexes_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "app.hpp"
#include "base/html.hpp"
#include "base/json.hpp"

namespace lodestone::app {
namespace {

using Cells = std::vector<std::string>;

std::string columns_of(const IndexRow& row) { return fmt::format("{}", fmt::join(row.index.columns, ",")); }

std::string used_text(const IndexRow& row) {
  if (!row.is_used) return "";
  return *row.is_used ? "yes" : "NO";
}

std::string pair_text(double before, double after) { return fmt::format("{:.2f} > {:.2f}", before, after); }

Cells header_of(const IndexReport& report) {
  Cells out = {"source", "table", "index", "columns"};
  if (report.verb == "plan") out.insert(out.end(), {"state", "why"});
  if (report.verb == "apply") out.insert(out.end(), {"done", "used", "reading ms", "rows looked at", "write us"});
  if (report.verb == "verify") out.insert(out.end(), {"state", "used", "key", "rows looked at", "reads"});
  if (report.verb == "drop") out.emplace_back("done");
  return out;
}

Cells cells_of(const IndexReport& report, const IndexRow& row) {
  Cells out = {row.source, row.index.table, row.index.name, columns_of(row)};
  const std::string state(sources::state_name(row.index.state));
  if (report.verb == "plan") out.insert(out.end(), {state, row.index.reason});
  if (report.verb == "apply") {
    const bool both = row.before && row.after;
    out.insert(out.end(), {row.outcome.empty() ? state + ": " + row.index.reason : row.outcome, used_text(row),
                           both ? pair_text(row.before->milliseconds, row.after->milliseconds) : "",
                           both ? fmt::format("{} > {}", row.before->plan.n_rows, row.after->plan.n_rows) : "",
                           row.writes ? pair_text(row.writes->without_us, row.writes->with_us) : ""});
  }
  if (report.verb == "verify") {
    out.insert(out.end(),
               {state, used_text(row), row.after ? row.after->plan.key : "",
                row.after ? fmt::format("{}", row.after->plan.n_rows) : "", row.use ? fmt::format("{}", row.use->n_reads) : ""});
  }
  if (report.verb == "drop") out.push_back(row.outcome);
  return out;
}

json::Value describe(const sources::ReadingCost& cost) {
  json::Value out = json::Object{};
  out.set("key", cost.plan.key.empty() ? json::Value() : json::Value(cost.plan.key));
  out.set("access", json::Value(cost.plan.access));
  out.set("rows", json::Value(static_cast<std::int64_t>(cost.plan.n_rows)));
  out.set("sorts", json::Value(cost.plan.sorts));
  if (cost.milliseconds > 0) out.set("milliseconds", json::Value(cost.milliseconds));
  return out;
}

json::Value describe(const IndexRow& row) {
  json::Value out = json::Object{};
  out.set("source", json::Value(row.source));
  out.set("table", json::Value(row.index.table));
  out.set("index", json::Value(row.index.name));
  json::Array columns;
  for (const std::string& column : row.index.columns) columns.emplace_back(column);
  out.set("columns", json::Value(std::move(columns)));
  out.set("state", json::Value(sources::state_name(row.index.state)));
  out.set("reason", json::Value(row.index.reason));
  if (!row.outcome.empty()) out.set("outcome", json::Value(row.outcome));
  if (row.is_used) out.set("used", json::Value(*row.is_used));
  if (row.before) out.set("before", describe(*row.before));
  if (row.after) out.set("after", describe(*row.after));
  if (row.writes) {
    json::Value writes = json::Object{};
    writes.set("writes", json::Value(static_cast<std::int64_t>(row.writes->n_writes)));
    writes.set("without_us", json::Value(row.writes->without_us));
    writes.set("with_us", json::Value(row.writes->with_us));
    writes.set("ratio", json::Value(row.writes->ratio()));
    out.set("write_cost", std::move(writes));
  } else if (!row.writes_reason.empty()) {
    out.set("write_cost", json::Value(row.writes_reason));
  }
  if (row.use) {
    out.set("reads", json::Value(static_cast<std::int64_t>(row.use->n_reads)));
    out.set("writes", json::Value(static_cast<std::int64_t>(row.use->n_writes)));
  }
  return out;
}

/// Two bars to one scale, the larger one full.
std::string bars(const std::string& title, double before, double after, const char* unit) {
  const double most = std::max({before, after, 1e-9});
  const auto bar = [&](int y, const char* colour, const char* name, double value) {
    return fmt::format(
        "<text x='0' y='{0}'>{1}</text><rect x='70' y='{2}' width='{3:.1f}' height='14' fill='{4}'/>"
        "<text x='{5:.1f}' y='{0}'>{6:.2f} {7}</text>",
        y + 12, name, y, 300 * value / most, colour, 76 + 300 * value / most, value, unit);
  };
  return fmt::format(
      "<figure><figcaption>{0}</figcaption><svg width='480' height='40' role='img' aria-label='{0}: {1:.2f} {3} without the "
      "index, "
      "{2:.2f} {3} with it'>{4}{5}</svg></figure>\n",
      escape_html(title), before, after, unit, bar(0, "#9aa5b1", "without", before), bar(20, "#2f7d4f", "with", after));
}

constexpr std::string_view kPageHead =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Lodestone: indexes</title>\n<style>"
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1f2933;background:#fff}"
    "table{border-collapse:collapse;width:100%;font-size:14px}th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;"
    "border-bottom:1px solid #d9e2ec}th{background:#f0f4f8}td{white-space:nowrap}td:last-child{white-space:normal}"
    ".bars{display:grid;grid-template-columns:repeat(auto-fit,minmax(30rem,1fr))}figure{margin:1rem 0}figcaption{font-weight:600}"
    "svg text{font:13px system-ui,sans-serif;fill:#1f2933}"
    "@media(prefers-color-scheme:dark){body{background:#1b1f24;color:#e4e7eb}th{background:#2b323a}th,td{border-color:#3e4c59}"
    "svg text{fill:#e4e7eb}}</style></head>\n<body>\n";

}  // namespace

void print_index_report(const IndexReport& report) {
  std::vector<Cells> rows;
  for (const IndexRow& row : report.rows) rows.push_back(cells_of(report, row));
  if (!rows.empty()) print_table(header_of(report), rows);
  for (const std::string& note : report.notes) std::printf("%s\n", note.c_str());
}

std::string format_index_report_json(const IndexReport& report) {
  json::Value out = json::Object{};
  out.set("verb", json::Value(report.verb));
  json::Array rows;
  for (const IndexRow& row : report.rows) rows.push_back(describe(row));
  out.set("indexes", json::Value(std::move(rows)));
  json::Array notes;
  for (const std::string& note : report.notes) notes.emplace_back(note);
  out.set("notes", json::Value(std::move(notes)));
  return json::format(out, 2);
}

std::string format_index_report_html(const IndexReport& report) {
  std::string out(kPageHead);
  out += fmt::format("<h1>lodestone indexes {}</h1>\n<table><thead><tr>", escape_html(report.verb));
  for (const std::string& name : header_of(report)) out += "<th>" + escape_html(name) + "</th>";
  out += "</tr></thead><tbody>\n";
  for (const IndexRow& row : report.rows) {
    out += "<tr>";
    for (const std::string& cell : cells_of(report, row)) out += "<td>" + escape_html(cell) + "</td>";
    out += "</tr>\n";
  }
  out += "</tbody></table>\n<div class=\"bars\">\n";
  for (const IndexRow& row : report.rows) {
    if (row.before && row.after)
      out += bars(row.index.table + ": reading the newest changes", row.before->milliseconds, row.after->milliseconds, "ms");
    if (row.writes) out += bars(row.index.table + ": one write", row.writes->without_us, row.writes->with_us, "us");
  }
  out += "</div>\n";
  for (const std::string& note : report.notes) out += "<p>" + escape_html(note) + "</p>\n";
  return out + "</body></html>\n";
}

}  // namespace lodestone::app
