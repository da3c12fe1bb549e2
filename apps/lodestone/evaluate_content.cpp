// Texts: ContentMethod of evaluate_models.hpp.

#include <fmt/format.h>

#include <algorithm>

#include "evaluate_models.hpp"

namespace lodestone::app {
namespace {

std::size_t index(ItemIndex item) { return static_cast<std::size_t>(item); }

}  // namespace

ContentMethod::ContentMethod(Form form, int threads) : TunedMethod(threads), form_(form) { options_.threads = threads; }

std::string ContentMethod::settings() const {
  std::string out = fmt::format("title={} tags={} description={} k1={} b={}", options_.title_weight, options_.tag_weight,
                                options_.description_weight, options_.bm25_k1, options_.bm25_b);
  if (uses_lsa()) out += fmt::format(" rank={}", options_.lsa.rank);
  if (options_.dense_weight > 0) out += fmt::format(" dense_weight={}", options_.dense_weight);
  if (decay_ < 1) out += fmt::format(" decay={}", decay_);
  return out;
}

void ContentMethod::score(std::span<const ItemIndex> history, std::span<float> scores) const {
  if (form_ == Form::kFused) add_bags(history, scores);
  if (uses_lsa()) add_dense(history, form_ == Form::kFused ? static_cast<float>(options_.dense_weight) : 1, scores);
}

void ContentMethod::add_bags(std::span<const ItemIndex> history, std::span<float> scores) const {
  thread_local std::vector<float> profile;
  thread_local std::vector<ItemIndex> touched;
  profile.resize(std::max(profile.size(), vectors_.rows.n_items), 0);
  for_each_weighted(history, decay_, [&](ItemIndex item, float weight) {
    const models::InteractionRow row = vectors_.rows.row(index(item));
    for (std::size_t k = 0; k < row.items.size(); ++k) {
      float& sum = profile[index(row.items[k])];
      if (sum == 0) touched.push_back(row.items[k]);
      sum += weight * row.weights[k];
    }
  });
  for (const ItemIndex token : touched) {
    const float weight = profile[index(token)];
    profile[index(token)] = 0;
    for (std::size_t at = postings_.offsets[index(token)]; at < postings_.offsets[index(token) + 1]; ++at) {
      scores[index(postings_.users[at])] += weight * postings_.weights[at];
    }
  }
  touched.clear();
}

void ContentMethod::add_dense(std::span<const ItemIndex> history, float share, std::span<float> scores) const {
  thread_local std::vector<float> profile;
  profile.assign(lsa_.rank, 0);
  for_each_weighted(history, decay_, [&](ItemIndex item, float weight) {
    const std::span<const float> row = lsa_.row(index(item));
    for (std::size_t k = 0; k < row.size(); ++k) profile[k] += share * weight * row[k];
  });
  // As in the lists, being unlike counts as sharing nothing.
  for (std::size_t i = 0; i < lsa_.n_items; ++i) scores[i] += std::max(0.0F, training::dot(profile, lsa_.row(i)));
}

double ContentMethod::choose(const evaluation::Problem& tuning) {
  fit_as_set(tuning.train);
  double best = choose_decay(tuning, decay_);
  if (form_ == Form::kDense) return best;
  lsa_ = training::fit_content_lsa(vectors_, options_);
  try_values(options_.dense_weight, {0.1, 0.25, 0.5, 1.0}, best, [&] { return validate(tuning); });
  return best;
}

void ContentMethod::fit_as_set(const evaluation::TrainPart& train) {
  vectors_ = training::build_content_vectors(train.texts, options_);
  postings_ = models::transpose(vectors_.rows);
  lsa_ = uses_lsa() ? training::fit_content_lsa(vectors_, options_) : training::LsaVectors{};
}

}  // namespace lodestone::app
