#include "training/ease.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "training/dense.hpp"
#include "training/top_items.hpp"

namespace lodestone::training {
namespace {

using models::Interactions;
using models::InteractionRow;

constexpr std::size_t kBlock = 16;

double median_of_positive(std::vector<double> values) {
  std::erase_if(values, [](double v) { return v <= 0; });
  if (values.empty()) return 1;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// count^-exponent times median^exponent, 0 for what nobody touched.
std::vector<float> activity_scale(const std::vector<double>& counts, double exponent) {
  const double median = median_of_positive(counts);
  std::vector<float> out(counts.size(), 0);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) out[i] = static_cast<float>(std::pow(counts[i] / median, -exponent));
  }
  return out;
}

}  // namespace

bool ease_fits(std::size_t n_users, std::size_t n_items, const EaseOptions& options) {
  return n_items <= options.max_items && std::min(n_users, n_items) <= options.max_order;
}

EaseFitter::EaseFitter(const models::Interactions& interactions, const EaseOptions& options) : options_(options), x_(interactions) {
  if (!ease_fits(x_.n_users(), x_.n_items, options)) {
    fail(ErrorCode::kInvalidArgument,
         "the linear model takes at most {} items, and {} of users or items, the fewer; here are {} users and {} items: use item-kNN",
         options.max_items, options.max_order, x_.n_users(), x_.n_items);
  }
  std::vector<double> users_of(x_.n_items, 0);
  std::vector<double> items_of(x_.n_users(), 0);
  for (std::size_t u = 0; u < x_.n_users(); ++u) {
    for (const ItemIndex item : x_.row(u).items) {
      ++users_of[static_cast<std::size_t>(item)];
      ++items_of[u];
    }
  }
  item_scale_ = activity_scale(users_of, options.item_exponent);
  const std::vector<float> user_scale = activity_scale(items_of, options.user_exponent);
  for (std::size_t u = 0; u < x_.n_users(); ++u) {
    for (std::size_t at = x_.offsets[u]; at < x_.offsets[u + 1]; ++at) {
      x_.weights[at] *= user_scale[u] * item_scale_[static_cast<std::size_t>(x_.items[at])];
    }
  }
  users_ = models::transpose(x_);
  dual_ = x_.n_users() < x_.n_items;
  order_ = std::min(x_.n_users(), x_.n_items);
  gram_.assign(order_ * order_, 0);
  // Row i of the product walks over the rows that i meets; each row is one thread's, so the sums have one order.
  parallel_for(order_, kBlock, options.threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) {
      float* row = gram_.data() + i * order_;
      const auto add = [&](const auto& others, const auto& weights, std::size_t from, std::size_t to, float w) {
        for (std::size_t k = from; k < to && static_cast<std::size_t>(others[k]) <= i; ++k) row[static_cast<std::size_t>(others[k])] += w * weights[k];
      };
      if (dual_) {
        for (std::size_t at = x_.offsets[i]; at < x_.offsets[i + 1]; ++at) {
          const auto item = static_cast<std::size_t>(x_.items[at]);
          add(users_.users, users_.weights, users_.offsets[item], users_.offsets[item + 1], x_.weights[at]);
        }
      } else {
        for (std::size_t at = users_.offsets[i]; at < users_.offsets[i + 1]; ++at) {
          const auto user = static_cast<std::size_t>(users_.users[at]);
          add(x_.items, x_.weights, x_.offsets[user], x_.offsets[user + 1], users_.weights[at]);
        }
      }
    }
  });
}

EaseModel EaseFitter::fit(double lambda) const {
  if (!(lambda > 0) || !std::isfinite(lambda)) fail(ErrorCode::kInvalidArgument, "lambda is {}, expected a number above 0", lambda);
  EaseModel model = dual_ ? fit_dual(lambda) : fit_primal(lambda);
  finish(model);
  return model;
}

EaseModel EaseFitter::fit_primal(double lambda) const {
  EaseModel model{x_.n_items, gram_};
  for (std::size_t i = 0; i < order_; ++i) model.weights[i * order_ + i] += static_cast<float>(lambda);
  invert_spd(model.weights, order_, options_.threads);
  return model;
}

EaseModel EaseFitter::fit_dual(double lambda) const {
  const std::size_t n = x_.n_items;
  std::vector<float> inverse = gram_;
  for (std::size_t u = 0; u < order_; ++u) inverse[u * order_ + u] += static_cast<float>(lambda);
  invert_spd(inverse, order_, options_.threads);
  // V = inverse * X, [n_users, n_items]; X is sparse, so its items are walked over.
  std::vector<float> v(order_ * n, 0);
  parallel_for(order_, kBlock, options_.threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t u = begin; u < end; ++u) {
      float* out = v.data() + u * n;
      for (std::size_t other = 0; other < order_; ++other) {
        const float w = inverse[u * order_ + other];
        const InteractionRow row = x_.row(other);
        for (std::size_t k = 0; k < row.items.size(); ++k) out[static_cast<std::size_t>(row.items[k])] += w * row.weights[k];
      }
    }
  });
  EaseModel model{n, std::vector<float>(n * n, 0)};
  const auto ridge = static_cast<float>(1 / lambda);
  parallel_for(n, kBlock, options_.threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) {
      float* out = model.weights.data() + i * n;
      for (std::size_t at = users_.offsets[i]; at < users_.offsets[i + 1]; ++at) {
        const float* from = v.data() + static_cast<std::size_t>(users_.users[at]) * n;
        const float w = -users_.weights[at] * ridge;
        for (std::size_t j = 0; j < n; ++j) out[j] += w * from[j];
      }
      out[i] += ridge;
    }
  });
  return model;
}

void EaseFitter::finish(EaseModel& model) const {
  const std::size_t n = model.n_items;
  // The candidate's factor: -1 / P_ii and its scale taken back (1 / item_scale).
  std::vector<float> factor(n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    const float p = model.weights[i * n + i];
    if (p > 0 && item_scale_[i] > 0) factor[i] = -1 / (p * item_scale_[i]);
  }
  parallel_for(n, kBlock, options_.threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t j = begin; j < end; ++j) {
      float* row = model.weights.data() + j * n;
      for (std::size_t i = 0; i < n; ++i) row[i] *= item_scale_[j] * factor[i];
      row[j] = 0;
    }
  });
}

EaseModel fit_ease(const models::Interactions& interactions, const EaseOptions& options) {
  return EaseFitter(interactions, options).fit(options.lambda);
}

models::OwnedNeighbours prune(const EaseModel& model, std::size_t neighbors, int threads) {
  const std::size_t n = model.n_items;
  ListBuilder lists(n);
  // Columns in groups, so that each line of the matrix that is read is used for several candidates.
  parallel_for(n, kBlock, threads, [&](std::size_t begin, std::size_t end, int) {
    std::vector<std::vector<models::ScoredItem>> found(end - begin);
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t i = begin; i < end; ++i) {
        const float w = model.weights[j * n + i];
        if (w > 0) found[i - begin].push_back({static_cast<ItemIndex>(j), w});
      }
    }
    for (std::size_t i = begin; i < end; ++i) {
      keep_top(found[i - begin], neighbors);
      lists.set(i, found[i - begin]);
    }
  });
  return lists.build();
}

}  // namespace lodestone::training
