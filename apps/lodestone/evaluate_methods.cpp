#include "evaluate_methods.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "evaluate_als.hpp"
#include "evaluate_fusion.hpp"
#include "evaluate_sequence.hpp"
#include "features/text/tokenizer.hpp"

namespace lodestone::app {
namespace {

using evaluation::DatasetSpec;
using evaluation::Kind;

/// Every name of datasets.md.
const std::vector<std::string>& known_names() {
  static const std::vector<std::string> names{"auto",         "all",     "pop",  "itemknn-cosine", "itemknn-tfidf",
                                              "itemknn-bm25", "ease",    "slim", "content",        "lsa",
                                              "fused",        "userknn", "als",  "rules",          "sessionknn"};
  return names;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// What is fused, the most trusted first; popularity last.
std::vector<std::shared_ptr<TunedMethod>> make_parts(const std::vector<std::string>& applicable, int threads);

std::shared_ptr<TunedMethod> make_tuned(const std::string& name, const std::vector<std::string>& applicable, int threads) {
  using Form = HistoryNeighboursMethod::Form;
  if (name == "pop") return std::make_shared<PopularMethod>(threads);
  if (name == "ease") return std::make_shared<EaseMethod>(threads);
  if (name == "slim") return std::make_shared<SlimMethod>(threads);
  if (name == "als") return std::make_shared<AlsMethod>(threads);
  if (name == "rules") return std::make_shared<RulesMethod>(threads);
  if (name == "userknn") return std::make_shared<HistoryNeighboursMethod>(Form::kUsers, threads);
  if (name == "sessionknn") return std::make_shared<HistoryNeighboursMethod>(Form::kSessions, threads);
  if (name == "content") return std::make_shared<ContentMethod>(ContentMethod::Form::kFused, threads);
  if (name == "lsa") return std::make_shared<ContentMethod>(ContentMethod::Form::kDense, threads);
  if (name == "fused") return std::make_shared<FusedMethod>(make_parts(applicable, threads), threads);
  for (const training::Weighting weighting :
       {training::Weighting::kCosine, training::Weighting::kTfIdf, training::Weighting::kBm25}) {
    if (name == fmt::format("itemknn-{}", training::weighting_name(weighting)))
      return std::make_shared<ItemKnnMethod>(weighting, threads);
  }
  LODESTONE_ASSERT(false, "no method {}", name);
  return nullptr;
}

std::vector<std::shared_ptr<TunedMethod>> make_parts(const std::vector<std::string>& applicable, int threads) {
  std::vector<std::shared_ptr<TunedMethod>> parts;
  for (const char* part : {"ease", "slim", "als", "rules", "sessionknn", "itemknn-tfidf", "itemknn-cosine", "itemknn-bm25",
                           "userknn", "content", "pop"}) {
    // Where there is an order the latent factors added nothing to rules and sessions (amazon-toys-seq, session-nowplaying), and cost most.
    if (std::string_view(part) == "als" && contains(applicable, "rules")) continue;
    // EASE is the same model with every item allowed to speak, and rules know the order, beside which it added nothing either.
    if (std::string_view(part) == "slim" && (contains(applicable, "ease") || contains(applicable, "rules"))) continue;
    if (contains(applicable, part)) parts.push_back(make_tuned(part, applicable, threads));
  }
  return parts;
}

/// Why a known method cannot be measured on this data.
std::string reason_against(const std::string& name, const DatasetSpec& spec, const std::vector<std::string>& applicable) {
  const std::string choice = fmt::format("; this data can be measured with {}, auto or all", fmt::join(applicable, ", "));
  if (name == "ease" && spec.kind != Kind::kSimilarItems && spec.kind != Kind::kTextSearch) {
    const training::EaseOptions bounds;
    return fmt::format("takes up to {} items, or up to {} users{}", bounds.max_items, bounds.max_users, choice);
  }
  if (name == "rules" || name == "sessionknn")
    return fmt::format("looks at the order of histories, and kind {} has none{}", evaluation::name_of(spec.kind), choice);
  if (name == "userknn" && spec.kind == Kind::kSessions)
    return fmt::format("compares users, and there are only sessions; sessionknn compares those{}", choice);
  if (name == "content" || (name == "lsa" && spec.kind != Kind::kTextSearch))
    return fmt::format("compares texts, and there is no files.items{}", choice);
  return fmt::format("does not answer kind {}{}", evaluation::name_of(spec.kind), choice);
}

}  // namespace

std::vector<std::string> methods_of(const DatasetSpec& spec, std::size_t n_users, std::size_t n_items) {
  switch (spec.kind) {
    case Kind::kSimilarItems: return {"content", "lsa"};
    case Kind::kTextSearch: return {"content"};
    case Kind::kInteractions:
    case Kind::kSequences:
    case Kind::kSessions: {
      std::vector<std::string> names{"pop", "itemknn-cosine", "itemknn-tfidf", "itemknn-bm25"};
      if (training::ease_fits(n_users, n_items, {})) names.emplace_back("ease");
      names.emplace_back("slim");
      names.emplace_back("als");
      if (spec.kind != Kind::kSessions) names.emplace_back("userknn");
      if (spec.kind != Kind::kInteractions) names.insert(names.end(), {"rules", "sessionknn"});
      if (spec.find(evaluation::Part::kItems) != nullptr) names.insert(names.end(), {"content", "lsa"});
      names.emplace_back("fused");
      return names;
    }
    case Kind::kLtr:
    case Kind::kVectors:
    case Kind::kTokens:
    case Kind::kLabelledText: break;
  }
  LODESTONE_ASSERT(false, "kind {} has methods of its own", evaluation::name_of(spec.kind));
  return {};
}

std::vector<std::string> read_methods(std::string_view wanted, const DatasetSpec& spec, std::size_t n_users,
                                      std::size_t n_items) {
  const std::vector<std::string> applicable = methods_of(spec, n_users, n_items);
  std::vector<std::string> out;
  while (true) {
    const std::size_t comma = std::min(wanted.find(','), wanted.size());
    const std::string name(wanted.substr(0, comma));
    if (name == "all") {
      for (const std::string& each : applicable) {
        if (!contains(out, each)) out.push_back(each);
      }
    } else if (!contains(known_names(), name)) {
      const std::string near = nearest_name(name, known_names());
      fail(ErrorCode::kInvalidArgument, "there is no method \"{}\"{} This data can be measured with {}, auto or all", name,
           near.empty() ? "." : fmt::format("; did you mean \"{}\"?", near), fmt::join(applicable, ", "));
    } else if (name != "auto" && !contains(applicable, name)) {
      fail(ErrorCode::kInvalidArgument, "{}: method {} {}", spec.file.string(), name, reason_against(name, spec, applicable));
    } else if (!contains(out, name)) {
      out.push_back(name);
    }
    if (comma == wanted.size()) return out;
    wanted.remove_prefix(comma + 1);
  }
}

std::unique_ptr<evaluation::Method> make_method(const std::string& name, const std::vector<std::string>& applicable,
                                                int threads) {
  /// make_tuned shares, because fused and auto hold parts together; the outermost has one owner.
  class Owner final : public evaluation::Method {
   public:
    explicit Owner(std::shared_ptr<TunedMethod> inner) : inner_(std::move(inner)) {}
    [[nodiscard]] std::string name() const override { return inner_->name(); }
    [[nodiscard]] std::string settings() const override { return inner_->settings(); }
    void fit(const evaluation::TrainPart& train) override { inner_->fit(train); }
    void score(std::span<const ItemIndex> history, std::span<float> scores) const override { inner_->score(history, scores); }

   private:
    std::shared_ptr<TunedMethod> inner_;
  };
  if (name != "auto") return std::make_unique<Owner>(make_tuned(name, applicable, threads));
  return std::make_unique<AutoMethod>(make_parts(applicable, threads), threads);
}

evaluation::SearchMethod make_search_method(const std::string& name, int threads) {
  const auto index = std::make_shared<models::OwnedTextIndex>();
  training::ContentOptions options;
  options.threads = threads;
  evaluation::SearchMethod method;
  method.name = name;
  method.settings =
      fmt::format("{}BM25 k1={} b={} title={} tags={} description={}", name == "auto" ? "content: " : "", options.bm25_k1,
                  options.bm25_b, options.title_weight, options.tag_weight, options.description_weight);
  method.fit = [index, options](std::span<const models::Item> texts) { *index = training::build_text_index(texts, options); };
  method.score = [index](std::string_view query, std::span<float> scores) {
    std::vector<std::uint64_t> tokens;
    features::tokenize(query, tokens);
    std::sort(tokens.begin(), tokens.end());
    tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
    for (const std::uint64_t token : tokens) {
      const auto it = std::lower_bound(index->tokens.begin(), index->tokens.end(), token);
      if (it == index->tokens.end() || *it != token) continue;
      const auto t = static_cast<std::size_t>(it - index->tokens.begin());
      for (std::size_t at = index->offsets[t]; at < index->offsets[t + 1]; ++at)
        scores[static_cast<std::size_t>(index->items[at])] += index->weights[at];
    }
  };
  return method;
}

}  // namespace lodestone::app
