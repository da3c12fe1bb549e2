#include "serving/page_memo.hpp"

#include <chrono>

namespace lodestone::serving {

std::optional<PageMemo::Key> PageMemo::key_of(const engine::PageRequest& page, std::uint64_t lineup, TimePoint now) {
  const bool is_about_item = page.kind == engine::PageKind::kSimilar || page.kind == engine::PageKind::kDetail;
  const bool is_guest = !page.user && page.recent.empty() && page.owned.empty();
  const bool is_whole = page.exclude.empty() && page.filter == nullptr;
  const bool is_plain = page.weights == nullptr && page.external.empty() && page.with_ranker && !page.with_rows;
  if (!is_about_item || !page.item || !is_guest || !is_whole || !is_plain || page.exploration > 0 || page.limit > kMostItems)
    return std::nullopt;
  return Key{.lineup = lineup,
             .second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count(),
             .item = *page.item,
             .limit = static_cast<std::uint32_t>(page.limit),
             .kind = page.kind,
             .diversity = page.diversity,
             .vector_ef = page.vector_ef};
}

std::size_t PageMemo::slot_of(const Key& key) {
  return (static_cast<std::size_t>(key.item) * 2 + (key.kind == engine::PageKind::kDetail)) % kSlots;
}

SharedPage* PageMemo::find(const Key& key) {
  if (slots_.empty()) return nullptr;
  Slot& slot = slots_[slot_of(key)];
  return slot.key == key ? &slot.shared : nullptr;
}

SharedPage& PageMemo::keep(const Key& key, const engine::Page& page) {
  if (slots_.empty()) slots_.resize(kSlots);
  Slot& slot = slots_[slot_of(key)];
  slot.key = key;
  slot.shared.page = page;
  slot.shared.answer.clear();
  slot.shared.exposure.clear();
  slot.shared.rows.clear();
  return slot.shared;
}

}  // namespace lodestone::serving
