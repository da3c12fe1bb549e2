#include "training/slim.hpp"

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "training/activity.hpp"
#include "training/item_knn.hpp"
#include "training/item_products.hpp"
#include "training/top_items.hpp"

// LAPACK's Cholesky, which OpenBLAS carries; its C header is another package.
extern "C" void spotrf_(const char* uplo, const blasint* n, float* a, const blasint* lda, blasint* info);
extern "C" void spotrs_(const char* uplo, const blasint* n, const blasint* nrhs, const float* a, const blasint* lda, float* b,
                        const blasint* ldb, blasint* info);

namespace lodestone::training {
namespace {

using models::ScoredItem;

constexpr std::size_t kBlock = 32;
/// Products held of an item at most, and at least where there are very many items.
constexpr std::size_t kMostProducts = 512;
constexpr std::size_t kLeastProducts = 64;
/// Times that negative weights are left out and the rest is solved again.
constexpr int kRounds = 2;
/// Times that the ridge is raised, tenfold each, where the products that are not held leave a matrix that is not positive definite.
constexpr int kRaises = 6;

std::size_t index(std::int32_t i) { return static_cast<std::size_t>(i); }

}  // namespace

/// Memory of one thread. The systems are small, so each is one thread's.
struct SlimFitter::Solver {
  explicit Solver(const SlimFitter& fitter) : f(fitter), place(fitter.item_scale_.size(), kNoMember) {}

  const SlimFitter& f;
  /// Above the number of any member.
  static constexpr std::uint32_t kNoMember = UINT32_MAX;
  std::vector<std::uint32_t> place;  ///< by item: its number among `members`, or kNoMember
  std::vector<ItemIndex> members;    ///< that may speak, n of them
  std::vector<float>
      products;  ///< of members, [n, n + 1], the upper triangle; products that are not held are 0, the last column is of others
  std::vector<std::size_t> kept;  ///< numbers of the members that still do, ascending
  std::vector<float> matrix;      ///< of the kept ones
  std::vector<float> weights;
  std::vector<float> right;  ///< products of the members with the item

  void gather() {
    const auto n = static_cast<std::uint32_t>(members.size());
    products.assign(std::size_t{n} * (n + 1), 0);
    for (std::uint32_t a = 0; a < n; ++a) place[index(members[a])] = a;
    for (std::uint32_t a = 0; a < n; ++a) {
      const std::size_t item = index(members[a]);
      products[std::size_t{a} * (n + 1) + a] = f.squares_[item];
      for (std::uint64_t at = f.offsets_[item]; at < f.offsets_[item + 1]; ++at) {
        // Whether an item is a member is as good as random: what is none is written, too, beside the matrix.
        const std::uint32_t found = place[index(f.items_[at])];
        const std::uint32_t other = found < n ? found : n;
        // Held in the row of either; both hold the same number.
        const std::uint32_t first = a < other ? a : other;
        const std::uint32_t last = a < other ? other : a;
        products[std::size_t{first} * (n + 1) + last] = f.products_[at];
      }
    }
    for (const ItemIndex item : members) place[index(item)] = kNoMember;
  }

  /// weights = (G + ridge I)^-1 right, all of the kept members.
  void solve(double ridge) {
    const std::size_t m = kept.size();
    const auto order = static_cast<blasint>(m);
    const blasint one = 1;
    for (int raise = 0; raise <= kRaises; ++raise, ridge *= 10) {
      matrix.resize(m * m);
      weights.resize(m);
      for (std::size_t a = 0; a < m; ++a) {
        // Row-major upper is column-major lower.
        const float* row = products.data() + kept[a] * (members.size() + 1);
        for (std::size_t b = a; b < m; ++b) matrix[a * m + b] = row[kept[b]];
        matrix[a * m + a] += static_cast<float>(ridge);
        weights[a] = right[kept[a]];
      }
      blasint info = 0;
      spotrf_("L", &order, matrix.data(), &order, &info);
      if (info != 0) continue;
      spotrs_("L", &order, &one, matrix.data(), &order, weights.data(), &order, &info);
      return;
    }
    std::fill(weights.begin(), weights.end(), 0.0F);
  }

  /// Leaves what counts for item i in `list`.
  void run(std::size_t i, double lambda, std::size_t support, std::vector<ScoredItem>& list) {
    list.clear();
    const std::uint64_t begin = f.offsets_[i];
    const std::uint64_t end = std::min(f.offsets_[i + 1], begin + support);
    members.assign(f.items_.begin() + static_cast<std::ptrdiff_t>(begin), f.items_.begin() + static_cast<std::ptrdiff_t>(end));
    right.assign(f.products_.begin() + static_cast<std::ptrdiff_t>(begin),
                 f.products_.begin() + static_cast<std::ptrdiff_t>(end));
    if (members.empty()) return;
    gather();
    kept.resize(members.size());
    std::iota(kept.begin(), kept.end(), 0U);
    for (int round = 0; round <= kRounds && !kept.empty(); ++round) {
      solve(lambda);
      std::size_t n = 0;
      for (std::size_t k = 0; k < kept.size(); ++k) {
        if (!(weights[k] > 0)) continue;
        kept[n] = kept[k];
        weights[n++] = weights[k];
      }
      if (n == kept.size()) break;
      kept.resize(n);
    }
    for (std::size_t k = 0; k < kept.size(); ++k) {
      const ItemIndex item = members[kept[k]];
      list.push_back({item, weights[k] * f.item_scale_[index(item)] / f.item_scale_[i]});
    }
  }
};

SlimFitter::SlimFitter(const models::Interactions& interactions, const SlimOptions& options) : options_(options) {
  check_weights(interactions);
  models::Interactions x = cap_histories(interactions, affordable_history(interactions, options.max_history, options.max_pairs));
  item_scale_ = scale_by_activity(x, options.user_exponent, options.item_exponent);
  const models::ItemUsers users = models::transpose(x);
  squares_.assign(x.n_items, 0);
  for (std::size_t i = 0; i < x.n_items; ++i) {
    for (std::uint64_t at = users.offsets[i]; at < users.offsets[i + 1]; ++at)
      squares_[i] += users.weights[at] * users.weights[at];
  }
  const std::size_t most = slim_products(x.n_items, options.max_products);
  const int n_threads = options.threads > 0 ? options.threads : usable_cores();
  std::vector<ItemProducts> scratch(static_cast<std::size_t>(n_threads));
  ListBuilder lists(x.n_items);
  parallel_for(x.n_items, kBlock, options.threads, [&](std::size_t begin, std::size_t end, int thread) {
    ItemProducts& products = scratch[static_cast<std::size_t>(thread)];
    std::vector<ScoredItem> list;
    for (std::size_t i = begin; i < end; ++i) {
      list.clear();
      products.add(x, users, i, false);
      products.take([&](ItemIndex item, float product, std::int32_t) {
        const float length = std::sqrt(squares_[i] * squares_[index(item)]);
        if (index(item) != i && length > 0) list.push_back({item, product / length});
      });
      keep_top(list, most);
      lists.set(i, list);
    }
  });
  models::OwnedNeighbours nearest = lists.build();
  offsets_ = std::move(nearest.offsets);
  items_ = std::move(nearest.items);
  products_ = std::move(nearest.scores);
  for (std::size_t i = 0; i + 1 < offsets_.size(); ++i) {
    for (std::uint64_t at = offsets_[i]; at < offsets_[i + 1]; ++at)
      products_[at] *= std::sqrt(squares_[i] * squares_[index(items_[at])]);
  }
}

models::OwnedNeighbours SlimFitter::fit(double lambda, std::size_t support) const {
  if (!(lambda > 0) || !std::isfinite(lambda))
    fail(ErrorCode::kInvalidArgument, "lambda is {}, expected a number above 0", lambda);
  // Parallelism is ours: each call of LAPACK runs on the thread that makes it.
  openblas_set_num_threads(1);
  const std::size_t n = item_scale_.size();
  ListBuilder lists(n);
  const int n_threads = options_.threads > 0 ? options_.threads : usable_cores();
  std::vector<Solver> solvers(static_cast<std::size_t>(n_threads), Solver(*this));
  parallel_for(n, kBlock, options_.threads, [&](std::size_t begin, std::size_t end, int thread) {
    Solver& solver = solvers[static_cast<std::size_t>(thread)];
    std::vector<ScoredItem> list;
    for (std::size_t i = begin; i < end; ++i) {
      solver.run(i, lambda, support, list);
      keep_top(list, options_.neighbors);
      lists.set(i, list);
    }
  });
  return lists.build();
}

std::size_t slim_products(std::size_t n_items, std::size_t max_products) {
  return std::clamp(max_products / std::max<std::size_t>(1, n_items), kLeastProducts, kMostProducts);
}

models::OwnedNeighbours fit_slim(const models::Interactions& interactions, const SlimOptions& options) {
  return SlimFitter(interactions, options).fit(options.lambda, options.support);
}

}  // namespace lodestone::training
