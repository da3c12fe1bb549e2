#include "evaluate_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/html.hpp"
#include "evaluation/slices.hpp"
#include "report_page.hpp"

namespace lodestone::app {
namespace {

using evaluation::MethodResult;
using evaluation::MetricResult;
using evaluation::SliceResult;

/// What a metric says, for readers who do not know its name.
std::string_view meaning_of(std::string_view metric) {
  static const std::map<std::string_view, std::string_view> kMeanings{
      {"recall", "share of a case's test items that are listed"},
      {"precision", "share of the places that hold a test item"},
      {"hit_rate", "share of cases with any test item in the list"},
      {"ndcg", "test items listed, the more the higher they stand"},
      {"mrr", "one over the rank of the first test item"},
      {"map", "mean of the precision at each test item"},
      {"auc", "chance that a test item stands before another"},
      {"coverage", "share of all items that any list holds"},
      {"diversity", "how unlike the texts of a list's items are"},
      {"novelty", "how rarely seen the listed items are, in bits"},
      {"popularity_bias", "mean popularity percentile of the listed items"}};
  const auto it = kMeanings.find(metric.substr(0, metric.find('@')));
  return it == kMeanings.end() ? "" : it->second;
}

/// More of coverage, diversity, novelty or popularity_bias is other, not better.
bool more_is_better(std::string_view metric) {
  const std::string_view name = metric.substr(0, metric.find('@'));
  return name != "coverage" && name != "diversity" && name != "novelty" && name != "popularity_bias";
}

/// One bar of a chart.
struct Bar {
  std::string method;
  MetricResult value;
};

/// Place of the largest value, or none when it says nothing that it is the largest.
std::size_t best_of(const std::vector<Bar>& bars) {
  if (bars.size() < 2 || !more_is_better(bars.front().value.name)) return bars.size();
  const auto it =
      std::max_element(bars.begin(), bars.end(), [](const Bar& a, const Bar& b) { return a.value.value < b.value.value; });
  return it->value.value > 0 ? static_cast<std::size_t>(it - bars.begin()) : bars.size();
}

class Chart {
 public:
  explicit Chart(const std::vector<Bar>& bars) : bars_(bars), best_(best_of(bars)) {
    double most = 0;
    for (const Bar& bar : bars) most = std::max({most, bar.value.value, bar.value.interval ? bar.value.interval->high : 0});
    step_ = std::isfinite(most) && most > 1e-9 ? axis_step(most) : 0.2;
    n_steps_ = std::max(1, static_cast<int>(std::ceil(most / step_ - 1e-9)));
    if (!std::isfinite(most)) n_steps_ = 1;
  }

  [[nodiscard]] std::string svg(std::size_t number, const std::string& title) const {
    const int height = kTop + static_cast<int>(bars_.size()) * kRow + 24;
    std::string said;
    for (const Bar& bar : bars_) said += fmt::format("{}{}", said.empty() ? "" : "; ", sentence(bar));
    std::string out = fmt::format(
        "<svg viewBox=\"0 0 {0} {1}\" role=\"img\" aria-labelledby=\"t{2} d{2}\"><title id=\"t{2}\">{3}</title>"
        "<desc id=\"d{2}\">{4}</desc>\n",
        kWidth, height, number, escape_html(title), escape_html(said));
    const int bottom = kTop + static_cast<int>(bars_.size()) * kRow;
    for (int s = 0; s <= n_steps_; ++s) {
      const double x = place(s * step_);
      out += fmt::format(
          "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/><text class=\"axis\" x=\"{0:.1f}\" "
          "y=\"{3}\" "
          "text-anchor=\"middle\">{4:g}</text>\n",
          x, kTop, bottom, bottom + 17, s * step_);
    }
    for (std::size_t b = 0; b < bars_.size(); ++b) out += bar_at(b);
    return out + "</svg>\n";
  }

 private:
  static constexpr int kWidth = 560;
  static constexpr int kLeft = 138;
  static constexpr int kRight = 488;
  static constexpr int kTop = 4;
  static constexpr int kRow = 26;

  [[nodiscard]] double place(double value) const {
    const double share = std::clamp(std::isfinite(value) ? value / (step_ * n_steps_) : 0, 0.0, 1.0);
    return kLeft + (kRight - kLeft) * share;
  }

  static std::string sentence(const Bar& bar) {
    const MetricResult& m = bar.value;
    return m.interval
               ? fmt::format("{} {:.4f}, interval {:.4f} to {:.4f}", bar.method, m.value, m.interval->low, m.interval->high)
               : fmt::format("{} {:.4f}", bar.method, m.value);
  }

  [[nodiscard]] std::string bar_at(std::size_t which) const {
    const Bar& bar = bars_[which];
    const int y = kTop + static_cast<int>(which) * kRow;
    const int middle = y + kRow / 2;
    const bool best = which == best_;
    std::string out = fmt::format(
        "<g><title>{0}</title><text x=\"{1}\" y=\"{2}\" text-anchor=\"end\"{3}>{4}</text><rect class=\"bar{5}\" x=\"{6}\" "
        "y=\"{7}\" "
        "width=\"{8:.1f}\" height=\"16\" rx=\"2\"/>",
        escape_html(sentence(bar)), kLeft - 8, middle + 4, best ? " class=\"best-text\"" : "",
        escape_html(short_label(bar.method)), best ? " best" : "", kLeft, y + 5, place(bar.value.value) - kLeft);
    if (bar.value.interval) {
      const double low = place(bar.value.interval->low);
      const double high = place(bar.value.interval->high);
      out += fmt::format("<path class=\"whisker\" d=\"M{0:.1f} {2}H{1:.1f}M{0:.1f} {3}V{4}M{1:.1f} {3}V{4}\"/>", low, high,
                         middle, middle - 4, middle + 4);
    }
    return out + fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\"{}>{:.4f}</text></g>\n", kWidth - 2, middle + 4,
                             best ? " class=\"best-text\"" : "", bar.value.value);
  }

  const std::vector<Bar>& bars_;
  std::size_t best_;
  double step_ = 1;
  int n_steps_ = 1;
};

/// The same metric of every method that has it; `slice` is "" for the whole.
std::vector<Bar> bars_of(const EvaluationOutput& output, std::string_view metric, std::string_view slice) {
  std::vector<Bar> out;
  const auto add = [&](const MethodResult& r, const std::vector<MetricResult>& metrics) {
    for (const MetricResult& m : metrics) {
      if (m.name == metric) out.push_back({r.method, m});
    }
  };
  for (const MethodResult& r : output.results) {
    if (slice.empty()) add(r, r.metrics);
    for (const SliceResult& s : r.slices) {
      if (!slice.empty() && s.name == slice) add(r, s.metrics);
    }
  }
  return out;
}

std::string number_cell(const MetricResult& m, bool best) {
  return fmt::format("<td class=\"n{}\">{:.4f}{}</td>", best ? " best-cell" : "", m.value,
                     m.interval ? fmt::format(" <small>±{:.4f}</small>", (m.interval->high - m.interval->low) / 2) : "");
}

/// Whether the method's value is the best of its column.
bool is_best(const EvaluationOutput& output, const MethodResult& result, const MetricResult& m, std::string_view slice) {
  const std::vector<Bar> bars = bars_of(output, m.name, slice);
  const std::size_t best = best_of(bars);
  return best < bars.size() && bars[best].method == result.method;
}

std::string head_of(const std::vector<std::string>& left, const std::vector<MetricResult>& metrics,
                    const std::vector<std::string>& right) {
  std::string out = "<thead><tr>";
  for (const std::string& name : left) out += fmt::format("<th scope=\"col\">{}</th>", name);
  for (const MetricResult& m : metrics) out += fmt::format("<th scope=\"col\" class=\"n\">{}</th>", escape_html(m.name));
  for (const std::string& name : right) out += fmt::format("<th scope=\"col\" class=\"n\">{}</th>", name);
  return out + "</tr></thead>\n<tbody>\n";
}

std::string results_table(const EvaluationOutput& output) {
  std::string out =
      "<div class=\"scroll\"><table><caption>Beside each value, half its 95 % interval; the best of a column is bold.</caption>";
  out += head_of({"method"}, output.results.front().metrics, {});
  for (const MethodResult& r : output.results) {
    out += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(r.method));
    for (const MetricResult& m : r.metrics) out += number_cell(m, is_best(output, r, m, ""));
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string settings_table(const EvaluationOutput& output) {
  std::string out =
      "<div class=\"scroll\"><table>" + head_of({"method", "settings"}, {}, {"cases", "fit s", "score s", "peak MiB"});
  for (const MethodResult& r : output.results) {
    out += fmt::format(
        "<tr><th scope=\"row\">{}</th><td class=\"wide\">{}</td><td class=\"n\">{}</td><td class=\"n\">{:.1f}</td>"
        "<td class=\"n\">{:.1f}</td><td class=\"n\">{:.0f}</td></tr>\n",
        escape_html(r.method), escape_html(r.settings), r.users, r.fit_seconds, r.score_seconds, r.peak_mib);
  }
  return out + "</tbody></table></div>\n";
}

std::string slice_section(const EvaluationOutput& output, std::string_view name, std::string_view title, std::string_view what) {
  std::string rows;
  std::string head;
  for (const MethodResult& r : output.results) {
    for (const SliceResult& s : r.slices) {
      if (s.name != name || s.metrics.empty()) continue;
      if (head.empty()) head = head_of({"method"}, s.metrics, {"users"});
      rows += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(r.method));
      for (const MetricResult& m : s.metrics) rows += number_cell(m, is_best(output, r, m, name));
      rows += fmt::format("<td class=\"n\">{}</td></tr>\n", s.users);
    }
  }
  std::string out = fmt::format("<h2>{}</h2>\n<p class=\"sub\">{}</p>\n", title, what);
  if (rows.empty()) return out + "<p>No case of this data set is of that kind.</p>\n";
  return out + "<div class=\"scroll\"><table>" + head + rows + "</tbody></table></div>\n";
}

std::string slices_of(const EvaluationOutput& output) {
  if (output.results.front().slices.empty()) return "";
  return slice_section(output, name_of(evaluation::Slice::kColdUsers), "Users with few interactions",
                       fmt::format("Cases of which the method sees at most {} items.", evaluation::kColdInteractions)) +
         slice_section(output, name_of(evaluation::Slice::kColdItems), "Items with few users",
                       fmt::format("The same lists, judged only by test items that at most {} users of the train part have.",
                                   evaluation::kColdInteractions));
}

}  // namespace

std::string format_evaluation_html(const EvaluationOutput& output) {
  std::string out = open_report_page(output.set + ": evaluation", output.set,
                                     fmt::format("Measured by lodestone evaluate {}", LODESTONE_VERSION));
  out += "<ul class=\"protocol\">\n";
  for (const std::string& sentence : output.protocol) out += fmt::format("<li>{}</li>\n", escape_html(sentence));
  out += "</ul>\n";
  if (output.results.empty()) return out + "<p>No method was measured.</p>\n" + close_report_page();
  out += "<h2>Methods</h2>\n<div class=\"charts\">\n";
  std::size_t number = 0;
  for (const MetricResult& m : output.results.front().metrics) {
    const std::vector<Bar> bars = bars_of(output, m.name, "");
    out += fmt::format("<figure><figcaption>{} <span>{}</span></figcaption>\n{}</figure>\n", escape_html(m.name),
                       meaning_of(m.name), Chart(bars).svg(++number, fmt::format("{} of each method", m.name)));
  }
  out += "</div>\n<h2>All figures</h2>\n" + results_table(output) + slices_of(output) + "<h2>Settings and cost</h2>\n" +
         settings_table(output);
  return out + close_report_page();
}

}  // namespace lodestone::app
