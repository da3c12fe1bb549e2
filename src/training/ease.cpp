#include "training/ease.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "training/activity.hpp"
#include "training/dense.hpp"
#include "training/top_items.hpp"

namespace lodestone::training {
namespace {

constexpr std::size_t kBlock = 16;

std::size_t index(std::int32_t i) { return static_cast<std::size_t>(i); }

bool takes_dual(std::size_t n_users, std::size_t n_items, const EaseOptions& options) {
  return n_users < n_items && n_users <= options.max_users;
}

/// The candidate's factor from the diagonal of P: -1 / P_ii and its scale taken back.
float candidate_factor(float p, float scale) { return p > 0 && scale > 0 ? -1 / (p * scale) : 0; }

}  // namespace

bool ease_fits(std::size_t n_users, std::size_t n_items, const EaseOptions& options) {
  return takes_dual(n_users, n_items, options) || n_items <= options.max_items;
}

EaseFitter::EaseFitter(const models::Interactions& interactions, const EaseOptions& options)
    : options_(options), x_(interactions) {
  if (!ease_fits(x_.n_users(), x_.n_items, options)) {
    fail(ErrorCode::kInvalidArgument,
         "the linear model takes up to {} items, or up to {} users; here are {} items and {} users: use item-kNN",
         options.max_items, options.max_users, x_.n_items, x_.n_users());
  }
  item_scale_ = scale_by_activity(x_, options.user_exponent, options.item_exponent);
  users_ = models::transpose(x_);
  dual_ = takes_dual(x_.n_users(), x_.n_items, options);
  order_ = dual_ ? x_.n_users() : x_.n_items;
  fill_gram();
}

void EaseFitter::fill_gram() {
  gram_.assign(order_ * order_, 0);
  // Row i of the product walks over the rows that i meets; each row is one thread's, so the sums have one order.
  parallel_for(order_, kBlock, options_.threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) {
      float* row = gram_.data() + i * order_;
      const auto add = [&](const auto& others, const auto& weights, std::size_t from, std::size_t to, float w) {
        for (std::size_t k = from; k < to && index(others[k]) <= i; ++k) row[index(others[k])] += w * weights[k];
      };
      if (dual_) {
        for (std::size_t at = x_.offsets[i]; at < x_.offsets[i + 1]; ++at) {
          const std::size_t item = index(x_.items[at]);
          add(users_.users, users_.weights, users_.offsets[item], users_.offsets[item + 1], x_.weights[at]);
        }
      } else {
        for (std::size_t at = users_.offsets[i]; at < users_.offsets[i + 1]; ++at) {
          const std::size_t user = index(users_.users[at]);
          add(x_.items, x_.weights, x_.offsets[user], x_.offsets[user + 1], users_.weights[at]);
        }
      }
    }
  });
}

EaseModel EaseFitter::fit(double lambda) const {
  if (!(lambda > 0) || !std::isfinite(lambda))
    fail(ErrorCode::kInvalidArgument, "lambda is {}, expected a number above 0", lambda);
  return dual_ ? fit_dual(lambda) : fit_dense(lambda);
}

EaseModel EaseFitter::fit_dense(double lambda) const {
  const std::size_t n = order_;
  EaseModel model(n, gram_);
  std::vector<float>& w = model.weights_;
  for (std::size_t i = 0; i < n; ++i) w[i * n + i] += static_cast<float>(lambda);
  invert_spd(w, n, options_.threads);
  std::vector<float> factor(n, 0);
  for (std::size_t i = 0; i < n; ++i) factor[i] = candidate_factor(w[i * n + i], item_scale_[i]);
  parallel_for(n, kBlock, options_.threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t j = begin; j < end; ++j) {
      float* row = w.data() + j * n;
      for (std::size_t i = 0; i < n; ++i) row[i] *= item_scale_[j] * factor[i];
      row[j] = 0;
    }
  });
  return model;
}

EaseModel EaseFitter::fit_dual(double lambda) const {
  EaseModel model(x_.n_items, {});
  EaseModel::Dual& d = model.dual_;
  d.inverse = gram_;
  for (std::size_t u = 0; u < order_; ++u) d.inverse[u * order_ + u] += static_cast<float>(lambda);
  invert_spd(d.inverse, order_, options_.threads);
  d.x = x_;
  d.users = users_;
  d.scale = item_scale_;
  d.ridge = static_cast<float>(1 / lambda);
  d.factor.resize(x_.n_items);
  parallel_for(x_.n_items, kBlock, options_.threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) {
      double sum = 0;  // x_i' K^-1 x_i
      for (std::size_t a = users_.offsets[i]; a < users_.offsets[i + 1]; ++a) {
        const float* row = d.inverse.data() + index(users_.users[a]) * order_;
        double inner = 0;
        for (std::size_t b = users_.offsets[i]; b < users_.offsets[i + 1]; ++b)
          inner += static_cast<double>(row[index(users_.users[b])] * users_.weights[b]);
        sum += inner * static_cast<double>(users_.weights[a]);
      }
      d.factor[i] = candidate_factor(static_cast<float>((1 - sum) / lambda), item_scale_[i]);
    }
  });
  return model;
}

void EaseModel::add_scores(std::span<const ItemIndex> history, std::span<const float> weights, std::span<float> scores) const {
  if (weights_.empty()) {
    add_dual_scores(history, weights, scores);
    return;
  }
  for (std::size_t h = 0; h < history.size(); ++h) {
    const float* row = weights_.data() + index(history[h]) * n_items_;
    for (std::size_t i = 0; i < n_items_; ++i) scores[i] += weights[h] * row[i];
  }
}

void EaseModel::add_dual_scores(std::span<const ItemIndex> history, std::span<const float> weights,
                                std::span<float> scores) const {
  const Dual& d = dual_;
  const std::size_t n_users = d.x.n_users();
  if (history.empty()) return;
  // z = X h, y = K^-1 z; the score is factor * (h - X'y) / lambda, and h / scale takes the diagonal out again.
  thread_local std::vector<float> z;
  thread_local std::vector<float> y;
  thread_local std::vector<float> sums;
  z.assign(n_users, 0);
  y.assign(n_users, 0);
  sums.assign(n_items_, 0);
  for (std::size_t h = 0; h < history.size(); ++h) {
    const std::size_t j = index(history[h]);
    for (std::size_t at = d.users.offsets[j]; at < d.users.offsets[j + 1]; ++at)
      z[index(d.users.users[at])] += weights[h] * d.scale[j] * d.users.weights[at];
  }
  multiply_symmetric(d.inverse, z, y);
  for (std::size_t u = 0; u < n_users; ++u) {
    for (std::size_t at = d.x.offsets[u]; at < d.x.offsets[u + 1]; ++at) sums[index(d.x.items[at])] -= y[u] * d.x.weights[at];
  }
  for (std::size_t h = 0; h < history.size(); ++h) sums[index(history[h])] += weights[h] * d.scale[index(history[h])];
  for (std::size_t i = 0; i < n_items_; ++i) scores[i] += d.factor[i] * d.ridge * sums[i];
  for (std::size_t h = 0; h < history.size(); ++h) {
    if (d.scale[index(history[h])] > 0) scores[index(history[h])] += weights[h];
  }
}

models::OwnedNeighbours EaseModel::prune(std::size_t neighbors, int threads) const {
  ListBuilder lists(n_items_);
  const std::size_t n_users = dual_.x.n_users();
  parallel_for(n_items_, kBlock, threads, [&](std::size_t begin, std::size_t end, int) {
    // Columns in groups, so that each line of the matrix that is read is used for several candidates.
    std::vector<std::vector<models::ScoredItem>> found(end - begin);
    if (!weights_.empty()) {
      for (std::size_t j = 0; j < n_items_; ++j) {
        for (std::size_t i = begin; i < end; ++i) {
          const float w = weights_[j * n_items_ + i];
          if (w > 0) found[i - begin].push_back({static_cast<ItemIndex>(j), w});
        }
      }
    } else {
      const Dual& d = dual_;
      LODESTONE_ASSERT(end - begin <= kBlock, "{} items in a block", end - begin);
      std::vector<float> one(n_users);
      std::vector<float> v(n_users * kBlock);      // K^-1 x_i, user by user
      std::vector<float> sums(n_items_ * kBlock);  // item by item
      for (std::size_t i = begin; i < end; ++i) {
        std::fill(one.begin(), one.end(), 0.0F);
        for (std::size_t at = d.users.offsets[i]; at < d.users.offsets[i + 1]; ++at) {
          const float* row = d.inverse.data() + index(d.users.users[at]) * n_users;
          const float weight = d.users.weights[at];
          for (std::size_t u = 0; u < n_users; ++u) one[u] += weight * row[u];
        }
        for (std::size_t u = 0; u < n_users; ++u) v[u * kBlock + i - begin] = one[u];
      }
      for (std::size_t u = 0; u < n_users; ++u) {
        std::array<float, kBlock> of_user;
        std::copy_n(v.begin() + static_cast<std::ptrdiff_t>(u * kBlock), kBlock, of_user.begin());
        for (std::size_t at = d.x.offsets[u]; at < d.x.offsets[u + 1]; ++at) {
          float* sum = sums.data() + index(d.x.items[at]) * kBlock;
          const float weight = d.x.weights[at];
          for (std::size_t c = 0; c < kBlock; ++c) sum[c] -= of_user[c] * weight;
        }
      }
      for (std::size_t i = begin; i < end; ++i) {
        if (d.factor[i] == 0) continue;
        for (std::size_t j = 0; j < n_items_; ++j) {
          const float w = d.scale[j] * d.ridge * sums[j * kBlock + i - begin] * d.factor[i];
          if (w > 0 && j != i) found[i - begin].push_back({static_cast<ItemIndex>(j), w});
        }
      }
    }
    for (std::size_t i = begin; i < end; ++i) {
      keep_top(found[i - begin], neighbors);
      lists.set(i, found[i - begin]);
    }
  });
  return lists.build();
}

EaseModel fit_ease(const models::Interactions& interactions, const EaseOptions& options) {
  return EaseFitter(interactions, options).fit(options.lambda);
}

}  // namespace lodestone::training
