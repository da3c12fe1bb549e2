#pragma once
// What an operator wants of lists beside what the models say: items that are hidden, pinned to a place, boosted, buried or limited in number.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "engine/filter.hpp"
#include "models/catalog.hpp"

namespace lodestone::engine {

enum class PageKind : std::uint8_t { kSimilar, kDetail, kUser, kTrending, kSearch };
inline constexpr std::size_t kPageKinds = 5;
/// Bit k set = pages of kind k.
using PageKindSet = std::uint8_t;

enum class QuotaField : std::uint8_t { kCompany, kCategory };

struct Pin {
  ItemId item{};
  std::size_t position = 1;  ///< from 1; beyond the end of a list it is the last
};

struct Boost {
  Filter filter;
  double factor = 1;  ///< of the odds of an item's score: above 1 raises, below 1 lowers
};

struct Quota {
  QuotaField by = QuotaField::kCompany;
  std::size_t most = 1;  ///< items of one list that share it
};

/// A rule as somebody wrote it, for no release in particular.
struct Rule {
  std::string name;
  PageKindSet pages = 0;
  std::optional<Filter>
      when;  ///< of the page's item: without it the rule holds for every page, with it for those about a matching item
  std::vector<Pin> pins;
  std::vector<Boost> boosts;
  std::vector<Filter> buried;  ///< come only when nothing else is left
  std::vector<Quota> quotas;
};

struct RuleBook {
  std::vector<Filter> hidden;  ///< never shown, on no page
  std::vector<Rule> rules;
  [[nodiscard]] bool empty() const { return hidden.empty() && rules.empty(); }
};

/// One bit an item.
class ItemBits {
 public:
  ItemBits() = default;
  explicit ItemBits(std::size_t n_items) : words_((n_items + 63) / 64) {}
  void add(const Filter& filter, const models::Catalog& catalog);
  [[nodiscard]] bool contains(ItemIndex item) const {
    const auto i = static_cast<std::size_t>(item);
    return i / 64 < words_.size() && (words_[i / 64] >> i % 64 & 1U) != 0;
  }

 private:
  std::vector<std::uint64_t> words_;
};

/// The rules for one release: filters have become bits, so that a request evaluates none. Const, safe from many threads.
class Rules {
 public:
  struct BoundPin {
    ItemIndex item = 0;
    std::size_t position = 1;
  };
  struct BoundBoost {
    ItemBits items;
    float factor = 1;
  };
  struct Bound {
    PageKindSet pages = 0;
    std::optional<ItemBits> when;
    std::vector<BoundPin> pins;  ///< of items that the release has, by position
    std::vector<BoundBoost> boosts;
    ItemBits buried;
    bool buries = false;
    std::vector<Quota> quotas;

    [[nodiscard]] bool applies(PageKind kind, std::optional<ItemIndex> item) const {
      return (pages >> static_cast<unsigned>(kind) & 1U) != 0 && (!when || (item && when->contains(*item)));
    }
  };

  /// O(items * filters): for a thread that answers no requests.
  Rules(const RuleBook& book, const models::Catalog& catalog);

  [[nodiscard]] bool is_hidden(ItemIndex item) const { return hidden_.contains(item); }
  [[nodiscard]] std::span<const Bound> all() const { return all_; }

 private:
  ItemBits hidden_;
  std::vector<Bound> all_;
};

}  // namespace lodestone::engine
