#include "training/text_classifier.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/rng.hpp"
#include "base/thread_pool.hpp"
#include "features/text/code_points.hpp"
#include "features/text/segmenter.hpp"
#include "features/text/tokenizer.hpp"

namespace lodestone::training {
namespace {

/// Words get hashes of their own, because 数据 as a word says more than 数据 as two neighbours.
constexpr std::uint64_t kWordSeed = 1;
/// Added to each count: half a text inside the class and half a text outside.
constexpr double kSmoothing = 0.5;

/// Every character, also marks, digits and particles, and every pair of neighbours: how a title is written tells its class too.
void collect_characters(std::string_view text, std::vector<std::uint64_t>& out) {
  thread_local std::string folded;
  thread_local std::vector<std::size_t> ends;
  folded.clear();
  for (const char c : text) folded += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  ends.assign(1, 0);
  for (std::size_t at = 0; at < folded.size();) {
    (void)features::next_code_point(folded, at);
    ends.push_back(at);
  }
  const std::string_view view = folded;
  for (std::size_t i = 1; i < ends.size(); ++i) {
    out.push_back(xxh3(view.substr(ends[i - 1], ends[i] - ends[i - 1])));
    if (i > 1) out.push_back(xxh3(view.substr(ends[i - 2], ends[i] - ends[i - 2])));
  }
}

/// Characters and pairs, and the words of the segmenter.
void collect_tokens(std::string_view text, std::vector<std::uint64_t>& out) {
  thread_local features::SegmenterScratch scratch;
  thread_local std::vector<features::WordSpan> words;
  collect_characters(text, out);
  words.clear();
  features::Segmenter(features::built_in_words()).segment(text, scratch, words);
  for (const features::WordSpan& w : words) {
    if (w.kind == features::WordKind::kWord) out.push_back(xxh3(text.substr(w.begin, w.end - w.begin), kWordSeed));
  }
}

}  // namespace

TextClassifier::TextClassifier(std::span<const std::string_view> texts, std::span<const std::int32_t> labels,
                               std::size_t n_classes, const TextClassifierOptions& options)
    : n_classes_(n_classes), seen_(n_classes, 0) {
  LODESTONE_ASSERT(texts.size() == labels.size(), "{} texts, {} labels", texts.size(), labels.size());
  if (texts.empty() || n_classes == 0)
    fail(ErrorCode::kInvalidArgument, "a classifier cannot be fitted on {} texts in {} classes; give at least one", texts.size(),
         n_classes);
  for (const std::int32_t label : labels) {
    if (label < 0 || static_cast<std::size_t>(label) >= n_classes)
      fail(ErrorCode::kInvalidArgument, "label {} is none of the {} classes; labels are numbers from 0", label, n_classes);
    seen_[static_cast<std::size_t>(label)] = 1;
  }
  count_features(texts);
  Matrix rows;
  for (const std::string_view text : texts) {
    vectorize(text, rows.entries);
    rows.offsets.push_back(rows.entries.size());
  }
  weights_.assign((n_features() + 1) * n_classes, 0);
  parallel_for(n_classes, 1, options.threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t c = begin; c < end; ++c) {
      if (seen_[c] != 0) fit_class(rows, labels, static_cast<std::int32_t>(c), options);
    }
  });
}

void TextClassifier::count_features(std::span<const std::string_view> texts) {
  std::vector<std::uint64_t> tokens;
  std::vector<std::uint32_t> frequency;
  for (const std::string_view text : texts) {
    tokens.clear();
    collect_tokens(text, tokens);
    std::sort(tokens.begin(), tokens.end());
    tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
    for (const std::uint64_t token : tokens) {
      const auto [it, added] = features_.try_emplace(token, static_cast<std::uint32_t>(features_.size()));
      if (added) frequency.push_back(0);
      ++frequency[it->second];
    }
  }
  const auto n = static_cast<double>(texts.size());
  for (const std::uint32_t f : frequency) inverse_frequency_.push_back(static_cast<float>(std::log((1 + n) / (1 + f)) + 1));
}

void TextClassifier::vectorize(std::string_view text, std::vector<Entry>& out) const {
  thread_local std::vector<std::uint64_t> tokens;
  tokens.clear();
  collect_tokens(text, tokens);
  const std::size_t begin = out.size();
  std::sort(tokens.begin(), tokens.end());
  double sum = 0;
  for (std::size_t i = 0, next = 0; i < tokens.size(); i = next) {
    while (next < tokens.size() && tokens[next] == tokens[i]) ++next;
    const auto found = features_.find(tokens[i]);
    if (found == features_.end()) continue;
    const float value = (1 + std::log(static_cast<float>(next - i))) * inverse_frequency_[found->second];
    sum += static_cast<double>(value) * static_cast<double>(value);
    out.push_back({found->second, value});
  }
  const auto scale = static_cast<float>(1 / std::sqrt(std::max(sum, 1e-12)));
  for (std::size_t i = begin; i < out.size(); ++i) out[i].value *= scale;
}

std::vector<double> TextClassifier::log_ratios(const Matrix& rows, std::span<const std::int32_t> labels,
                                               std::int32_t wanted) const {
  std::vector<double> inside(n_features(), kSmoothing);
  std::vector<double> outside(n_features(), kSmoothing);
  for (std::size_t r = 0; r < labels.size(); ++r) {
    for (const Entry& e : rows.row(r)) ++(labels[r] == wanted ? inside : outside)[e.feature];
  }
  const double all_inside = std::accumulate(inside.begin(), inside.end(), 0.0);
  const double all_outside = std::accumulate(outside.begin(), outside.end(), 0.0);
  const double shift = std::log(all_outside / all_inside);
  for (std::size_t f = 0; f < inside.size(); ++f) inside[f] = std::log(inside[f] / outside[f]) + shift;
  return inside;
}

void TextClassifier::fit_class(const Matrix& rows, std::span<const std::int32_t> labels, std::int32_t wanted,
                               const TextClassifierOptions& options) {
  const std::size_t n = labels.size();
  std::vector<double> w(n_features() + 1, 0);
  double& intercept = w.back();
  std::vector<double> alpha(n, 0);
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  const double diagonal = 1 / (2 * options.cost);
  Rng rng(options.seed, static_cast<std::uint64_t>(wanted));
  for (int round = 0; round < options.max_rounds; ++round) {
    for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
    double highest = -std::numeric_limits<double>::infinity();
    double lowest = std::numeric_limits<double>::infinity();
    for (const std::size_t i : order) {
      const double y = labels[i] == wanted ? 1 : -1;
      double margin = intercept;
      double norm = 1 + diagonal;  // the intercept is a feature that is always 1
      for (const Entry& e : rows.row(i)) {
        margin += w[e.feature] * static_cast<double>(e.value);
        norm += static_cast<double>(e.value) * static_cast<double>(e.value);
      }
      const double gradient = y * margin - 1 + diagonal * alpha[i];
      const double projected = alpha[i] == 0 ? std::min(gradient, 0.0) : gradient;
      highest = std::max(highest, projected);
      lowest = std::min(lowest, projected);
      if (projected == 0) continue;
      const double before = alpha[i];
      alpha[i] = std::max(before - gradient / norm, 0.0);
      const double step = (alpha[i] - before) * y;
      intercept += step;
      for (const Entry& e : rows.row(i)) w[e.feature] += step * static_cast<double>(e.value);
    }
    if (highest - lowest < options.tolerance) break;
  }
  const std::vector<double> ratio = log_ratios(rows, labels, wanted);
  for (std::size_t f = 0; f < ratio.size(); ++f) w[f] += options.bayes_share * ratio[f];
  for (std::size_t f = 0; f < w.size(); ++f)
    weights_[f * n_classes_ + static_cast<std::size_t>(wanted)] = static_cast<float>(w[f]);
}

std::int32_t TextClassifier::classify(std::string_view text) const {
  thread_local std::vector<Entry> row;
  thread_local std::vector<float> margins;
  row.clear();
  vectorize(text, row);
  const auto intercepts = std::span(weights_).last(n_classes_);
  margins.assign(intercepts.begin(), intercepts.end());
  for (const Entry& e : row) {
    const float* weights = weights_.data() + std::size_t{e.feature} * n_classes_;
    for (std::size_t c = 0; c < n_classes_; ++c) margins[c] += e.value * weights[c];
  }
  std::int32_t best = -1;
  for (std::size_t c = 0; c < n_classes_; ++c) {
    if (seen_[c] != 0 && (best < 0 || margins[c] > margins[static_cast<std::size_t>(best)])) best = static_cast<std::int32_t>(c);
  }
  return best;
}

}  // namespace lodestone::training
