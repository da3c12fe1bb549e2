#include "ranker_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/html.hpp"
#include "report_page.hpp"

namespace lodestone::app {
namespace {

constexpr std::size_t kMostBars = 30;

bool is_measured(const ComparedRanker& ranker) { return std::isfinite(ranker.microseconds) && std::isfinite(ranker.ndcg_at_10); }

std::string number(double value, int digits) { return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : "-"; }

std::string sentence(const ComparedRanker& ranker) {
  return fmt::format("{}: NDCG@10 {}, {} us for 200 rows{}", ranker.name, number(ranker.ndcg_at_10, 4),
                     number(ranker.microseconds, 1), ranker.is_chosen ? ", chosen" : "");
}

std::string rankers_table(const RankerReport& report) {
  std::string out =
      "<div class=\"scroll\"><table><caption>Time is the median of scoring 200 rows in one thread.</caption><thead><tr>"
      "<th scope=\"col\">ranker</th><th scope=\"col\" class=\"n\">trees</th><th scope=\"col\" class=\"n\">features</th>"
      "<th scope=\"col\" class=\"n\">bytes</th><th scope=\"col\" class=\"n\">AUC</th><th scope=\"col\" class=\"n\">NDCG@10</th>"
      "<th scope=\"col\" class=\"n\">us a 200 rows</th><th scope=\"col\">chosen</th></tr></thead>\n<tbody>\n";
  for (const ComparedRanker& r : report.rankers) {
    out += fmt::format(
        "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>"
        "<td class=\"n\">{}</td><td class=\"n{}\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>\n",
        escape_html(r.name), r.trees, r.n_features, r.text_bytes, number(r.auc, 4), r.is_chosen ? " best-cell" : "",
        number(r.ndcg_at_10, 4), number(r.microseconds, 1), r.is_chosen ? "yes" : "");
  }
  return out + "</tbody></table></div>\n";
}

/// A scale of whole steps around [least, most].
struct Axis {
  Axis(double least, double most, std::string_view what) : title(what) {
    step = most - least > 1e-9 ? axis_step(most - least) : axis_step(std::max(1e-6, std::fabs(most)));
    low = std::floor(least / step + 1e-9) * step;
    n_steps = std::max(1, static_cast<int>(std::ceil((most - low) / step - 1e-9)));
  }
  [[nodiscard]] double share(double value) const { return std::clamp((value - low) / (step * n_steps), 0.0, 1.0); }

  std::string_view title;
  double step = 1;
  double low = 0;
  int n_steps = 1;
};

/// Dots over two axes.
class Plane {
 public:
  Plane(Axis x, Axis y) : x_(x), y_(y) {}

  [[nodiscard]] double left(double value) const { return kLeft + (kRight - kLeft) * x_.share(value); }
  [[nodiscard]] double top(double value) const { return kBottom - (kBottom - kTop) * y_.share(value); }

  /// `name` tells the pictures of a page apart; `said` is for readers who do not see it.
  [[nodiscard]] std::string svg(std::string_view name, std::string_view title, const std::string& said,
                                const std::string& content) const {
    std::string out = fmt::format(
        "<svg viewBox=\"0 0 {0} {1}\" role=\"img\" aria-labelledby=\"t-{2} d-{2}\"><title id=\"t-{2}\">{3}</title>"
        "<desc id=\"d-{2}\">{4}</desc>\n",
        kWidth, kHeight, name, title, escape_html(said));
    for (int s = 0; s <= x_.n_steps; ++s) {
      const double value = x_.low + s * x_.step;
      out += fmt::format(
          "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/><text class=\"axis\" x=\"{0:.1f}\" "
          "y=\"{3}\" text-anchor=\"middle\">{4:.6g}</text>\n",
          left(value), kTop, kBottom, kBottom + 18, value);
    }
    for (int s = 0; s <= y_.n_steps; ++s) {
      const double value = y_.low + s * y_.step;
      out += fmt::format(
          "<line class=\"grid\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/><text class=\"axis\" x=\"{3}\" "
          "y=\"{4:.1f}\" text-anchor=\"end\">{5:.6g}</text>\n",
          kLeft, kRight, top(value), kLeft - 8, top(value) + 4, value);
    }
    return out + fmt::format(
                     "<text class=\"axis\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text><text class=\"axis\" x=\"4\" "
                     "y=\"14\">{}</text>\n{}</svg>\n",
                     kRight, kHeight - 6, x_.title, y_.title, content);
  }

 private:
  static constexpr int kWidth = 560;
  static constexpr int kHeight = 340;
  static constexpr int kLeft = 62;
  static constexpr int kRight = 520;
  static constexpr int kTop = 28;
  static constexpr int kBottom = 288;

  Axis x_;
  Axis y_;
};

std::string pareto_figure(const RankerReport& report) {
  std::string out =
      "<figure><figcaption>NDCG@10 against time <span>up and to the left is better; no ranker beats those on the line in both"
      "</span></figcaption>\n";
  const std::vector<std::size_t> front = find_pareto_front(report.rankers);
  if (front.empty()) return out + "<p>No ranker has both figures.</p></figure>\n";
  double slowest = 0;
  double least = 1;
  double most = 0;
  std::string said;
  for (const ComparedRanker& r : report.rankers) {
    if (!is_measured(r)) continue;
    slowest = std::max(slowest, r.microseconds);
    least = std::min(least, r.ndcg_at_10);
    most = std::max(most, r.ndcg_at_10);
    said += fmt::format("{}{}", said.empty() ? "" : "; ", sentence(r));
  }
  const Plane plane(Axis(0, slowest, "microseconds for 200 rows"), Axis(least, most, "NDCG@10"));
  std::string content = "<polyline class=\"front\" points=\"";
  for (const std::size_t f : front)
    content += fmt::format("{:.1f},{:.1f} ", plane.left(report.rankers[f].microseconds), plane.top(report.rankers[f].ndcg_at_10));
  content += "\"/>\n";
  for (const ComparedRanker& r : report.rankers) {
    if (!is_measured(r)) continue;
    const double x = plane.left(r.microseconds);
    const double y = plane.top(r.ndcg_at_10);
    const bool at_the_right = r.microseconds > slowest * 0.7;
    content += fmt::format(
        "<g><title>{}</title><circle class=\"dot{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"6\"/><text x=\"{:.1f}\" y=\"{:.1f}\"{}{}>{}"
        "</text></g>\n",
        escape_html(sentence(r)), r.is_chosen ? " best" : "", x, y, at_the_right ? x - 10 : x + 10, y - 8,
        at_the_right ? " text-anchor=\"end\"" : "", r.is_chosen ? " class=\"best-text\"" : "", escape_html(short_label(r.name)));
  }
  return out + plane.svg("pareto", "NDCG@10 of each ranker against its time", said, content) + "</figure>\n";
}

std::string calibration_figure(const RankerReport& report) {
  std::string out =
      "<figure><figcaption>Calibration <span>share of positive rows against the predicted chance, in bins of as many rows; on "
      "the "
      "dashed line they agree</span></figcaption>\n";
  if (report.calibration.empty()) return out + "<p>The scores of this ranker order rows; they are no chances.</p></figure>\n";
  double most = 0;
  std::string said;
  for (const evaluation::CalibrationBin& bin : report.calibration) {
    most = std::max({most, bin.mean_probability, bin.positive_share});
    said += fmt::format("{}predicted {:.4f}, found {:.4f}", said.empty() ? "" : "; ", bin.mean_probability, bin.positive_share);
  }
  const Axis x(0, most, "predicted chance");
  const Plane plane(x, Axis(0, most, "share of positive rows"));
  const double end = x.low + x.step * x.n_steps;
  std::string content = fmt::format("<line class=\"even\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n",
                                    plane.left(0), plane.top(0), plane.left(end), plane.top(end));
  for (const evaluation::CalibrationBin& bin : report.calibration) {
    content += fmt::format(
        "<circle class=\"dot\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\"><title>predicted {:.4f}, found {:.4f}, {} rows</title>"
        "</circle>\n",
        plane.left(bin.mean_probability), plane.top(bin.positive_share), bin.mean_probability, bin.positive_share, bin.n_rows);
  }
  return out + plane.svg("calibration", "Share of positive rows against the predicted chance", said, content) + "</figure>\n";
}

std::string gains_figure(const RankerReport& report) {
  constexpr int kWidth = 1000;
  constexpr int kLeft = 270;
  constexpr int kRight = 920;
  constexpr int kRow = 24;
  std::vector<FeatureGain> gains;
  double all = 0;
  for (const FeatureGain& g : report.gains) {
    if (!(g.gain > 0)) continue;
    gains.push_back(g);
    all += g.gain;
  }
  std::string out =
      "<figure><figcaption>Features <span>share of the gain of all splits of the chosen ranker</span></figcaption>\n";
  if (gains.empty()) return out + "<p>No feature has a gain: the ranker gives every row one score.</p></figure>\n";
  std::stable_sort(gains.begin(), gains.end(), [](const FeatureGain& a, const FeatureGain& b) { return a.gain > b.gain; });
  const std::size_t n_with_gain = gains.size();
  gains.resize(std::min(kMostBars, gains.size()));
  out += fmt::format(
      "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"t-gains\"><title id=\"t-gains\">Share of the gain of the {} "
      "largest of {} features</title>\n",
      kWidth, kRow * static_cast<int>(gains.size()) + 4, gains.size(), n_with_gain);
  for (std::size_t b = 0; b < gains.size(); ++b) {
    const int y = kRow * static_cast<int>(b);
    const std::string name = escape_html(gains[b].name);
    out += fmt::format(
        "<g><title>{0}: {1:.2f} %</title><text x=\"{2}\" y=\"{3}\" text-anchor=\"end\">{0}</text><rect class=\"bar\" x=\"{4}\" "
        "y=\"{5}\" width=\"{6:.1f}\" height=\"16\" rx=\"2\"/><text x=\"{7}\" y=\"{3}\" text-anchor=\"end\">{1:.2f} "
        "%</text></g>\n",
        name, 100 * gains[b].gain / all, kLeft - 8, y + 17, kLeft, y + 4, (kRight - kLeft) * gains[b].gain / gains[0].gain,
        kWidth - 2);
  }
  return out + "</svg>\n</figure>\n";
}

std::string drifts_table(const RankerReport& report) {
  std::string out =
      "<h2>How far its features moved</h2>\n<p>Population stability index between the rows of the fit and those of the release: "
      "below 0.1 "
      "they are alike, above 0.2 look at the feature. Counts and ages move by nature.</p>\n";
  if (report.drifts.empty()) return out + "<p>Not measured: the ranker was fitted on what was shown, or there is none.</p>\n";
  out +=
      "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">feature</th><th scope=\"col\" "
      "class=\"n\">index</th></tr></thead>\n<tbody>\n";
  for (const FeatureDrift& drift : report.drifts)
    out += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"n\">{:.3f}</td></tr>\n", escape_html(drift.name), drift.index);
  return out + "</tbody></table></div>\n";
}

}  // namespace

std::vector<std::size_t> find_pareto_front(const std::vector<ComparedRanker>& rankers) {
  std::vector<std::size_t> order;
  for (std::size_t r = 0; r < rankers.size(); ++r) {
    if (is_measured(rankers[r])) order.push_back(r);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const ComparedRanker& x = rankers[a];
    const ComparedRanker& y = rankers[b];
    return x.microseconds != y.microseconds ? x.microseconds < y.microseconds : x.ndcg_at_10 > y.ndcg_at_10;
  });
  std::vector<std::size_t> out;
  for (const std::size_t r : order) {
    if (out.empty() || rankers[r].ndcg_at_10 > rankers[out.back()].ndcg_at_10) out.push_back(r);
  }
  return out;
}

std::string format_ranker_html(const RankerReport& report) {
  std::string out = open_report_page(report.title, report.title, fmt::format("Compared by lodestone {}", LODESTONE_VERSION));
  out += "<ul class=\"protocol\">\n";
  for (const std::string& note : report.notes) out += fmt::format("<li>{}</li>\n", escape_html(note));
  out += "</ul>\n<h2>Rankers</h2>\n";
  if (report.rankers.empty()) return out + "<p>No ranker was fitted.</p>\n" + close_report_page();
  out += rankers_table(report) + "<h2>Pictures</h2>\n<div class=\"charts\">\n" + pareto_figure(report) +
         calibration_figure(report) + "</div>\n<h2>What it looks at</h2>\n" + gains_figure(report) + drifts_table(report);
  return out + close_report_page();
}

}  // namespace lodestone::app
