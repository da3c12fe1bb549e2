#include "evaluate_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/nearest.hpp"
#include "evaluation/labelled_text.hpp"
#include "evaluation/tokens.hpp"
#include "features/text/segmenter.hpp"
#include "training/text_classifier.hpp"

namespace lodestone::app {
namespace {

using evaluation::Kind;

const char* method_of(Kind kind) { return kind == Kind::kTokens ? "words" : "linear"; }

std::vector<std::string> read_names(std::string_view wanted, const evaluation::DatasetSpec& spec) {
  const std::string own = method_of(spec.kind);
  const std::vector<std::string> known{"auto", "all", own};
  std::vector<std::string> out;
  while (true) {
    const std::size_t comma = std::min(wanted.find(','), wanted.size());
    std::string name(wanted.substr(0, comma));
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const std::string near = nearest_name(name, known);
      fail(ErrorCode::kInvalidArgument, "{}: kind {} has no method \"{}\"{} It can be measured with {}, auto or all",
           spec.file.string(), evaluation::name_of(spec.kind), name,
           near.empty() ? "." : fmt::format("; did you mean \"{}\"?", near), own);
    }
    if (name == "all") name = own;
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
    if (comma == wanted.size()) return out;
    wanted.remove_prefix(comma + 1);
  }
}

/// "" for the method itself, its name before the settings for auto.
std::string prefix_of(const std::string& name, Kind kind) { return name == "auto" ? fmt::format("{}: ", method_of(kind)) : ""; }

evaluation::SegmentMethod make_segmenter(const std::string& name) {
  evaluation::SegmentMethod method;
  method.name = name;
  method.open = [] { (void)features::built_in_words(); };
  method.settings =
      fmt::format("{}unigram path over {} words", prefix_of(name, Kind::kTokens), features::built_in_words().n_words());
  method.segment = [](std::string_view text, std::vector<evaluation::Span>& words) {
    thread_local features::SegmenterScratch scratch;
    thread_local std::vector<features::WordSpan> spans;
    spans.clear();
    features::Segmenter(features::built_in_words()).segment(text, scratch, spans);
    words.clear();
    for (const features::WordSpan& s : spans) words.push_back({s.begin, s.end});
  };
  return method;
}

evaluation::ClassifyMethod make_classifier(const std::string& name, int threads) {
  training::TextClassifierOptions options;
  options.threads = threads;
  const auto model = std::make_shared<std::optional<training::TextClassifier>>();
  evaluation::ClassifyMethod method;
  method.name = name;
  method.settings = fmt::format("{}characters, pairs and words by TF-IDF, SVM cost={} + {} naive Bayes",
                                prefix_of(name, Kind::kLabelledText), options.cost, options.bayes_share);
  method.fit = [model, options](auto texts, auto labels, std::size_t n_classes) {
    model->emplace(texts, labels, n_classes, options);
  };
  method.classify = [model](std::string_view text) { return model->value().classify(text); };
  return method;
}

}  // namespace

bool is_text_kind(Kind kind) { return kind == Kind::kTokens || kind == Kind::kLabelledText; }

std::vector<evaluation::MethodResult> evaluate_text(const evaluation::DatasetSpec& spec, std::string_view wanted,
                                                    const evaluation::EvaluateOptions& options) {
  LODESTONE_ASSERT(is_text_kind(spec.kind), "kind {}", evaluation::name_of(spec.kind));
  const std::vector<std::string> names = read_names(wanted, spec);
  log_info("evaluate", "{}: reading", spec.name);
  std::vector<evaluation::MethodResult> results;
  if (spec.kind == Kind::kTokens) {
    const auto sentences = evaluation::load_gold_sentences(*spec.find(evaluation::Part::kTest));
    for (const std::string& name : names) {
      log_info("evaluate", "{}: measuring {} on {} sentences", spec.name, name, sentences.size());
      results.push_back(measure_segmenter(sentences, make_segmenter(name), options));
    }
    return results;
  }
  const evaluation::LabelledSet set = evaluation::load_labelled_set(spec);
  for (const std::string& name : names) {
    log_info("evaluate", "{}: measuring {} on {} texts in {} classes", spec.name, name,
             set.train.texts.size() + set.test.texts.size(), set.classes.size());
    results.push_back(measure_classifier(spec, set, make_classifier(name, options.threads), options));
  }
  return results;
}

}  // namespace lodestone::app
