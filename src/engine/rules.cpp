#include "engine/rules.hpp"

#include <algorithm>

namespace lodestone::engine {

void ItemBits::add(const Filter& filter, const models::Catalog& catalog) {
  words_.resize((catalog.n_items() + 63) / 64);
  BoundFilter bound;
  bound.bind(filter, catalog);
  for (std::size_t i = 0; i < catalog.n_items(); ++i) {
    if (bound.matches(static_cast<ItemIndex>(i))) words_[i / 64] |= std::uint64_t{1} << i % 64;
  }
}

Rules::Rules(const RuleBook& book, const models::Catalog& catalog) {
  for (const Filter& filter : book.hidden) hidden_.add(filter, catalog);
  for (const Rule& rule : book.rules) {
    Bound& bound = all_.emplace_back();
    bound.pages = rule.pages;
    bound.quotas = rule.quotas;
    if (rule.when) bound.when.emplace().add(*rule.when, catalog);
    for (const Pin& pin : rule.pins) {
      if (const auto item = catalog.find(pin.item)) bound.pins.push_back({*item, pin.position});
    }
    std::ranges::stable_sort(bound.pins, {}, &BoundPin::position);
    for (const Boost& boost : rule.boosts) {
      BoundBoost& out = bound.boosts.emplace_back();
      out.items.add(boost.filter, catalog);
      out.factor = static_cast<float>(boost.factor);
    }
    for (const Filter& filter : rule.buried) bound.buried.add(filter, catalog);
    bound.buries = !rule.buried.empty();
  }
}

}  // namespace lodestone::engine
