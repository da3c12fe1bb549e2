#pragma once
// Lists that all guests of an item share, kept by the thread that made them until the second is over. An item that many look at is ranked and
// written as text once a second and not for each of them; whatever narrows or turns a list makes it anew.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "engine/page.hpp"

namespace lodestone::serving {

/// A list that is shared, and its items as text, which whoever needs a text first writes.
struct SharedPage {
  engine::Page page;
  std::string answer;       ///< as Detail::kScored has them in answers, "" = not written yet
  std::uint64_t etag = 0;   ///< of `answer`, once that is written
  std::string exposure;     ///< as the exposure log has them, "" = not written yet
  std::vector<float> rows;  ///< DriftCounts::pick_rows()
};

/// Of one thread. Memory: kSlots lists of up to kMostItems, 3 MiB, and their texts, 0.5 KiB an item.
class PageMemo {
 public:
  /// All that such a list follows from. Events are not in it: they move a list within the next second.
  struct Key {
    std::uint64_t lineup = 0;  ///< Lineup::serial: the release and the operator's rules
    std::int64_t second = 0;   ///< since 1970
    ItemIndex item = 0;
    std::uint32_t limit = 0;
    engine::PageKind kind = engine::PageKind::kSimilar;
    float diversity = 0;
    std::size_t vector_ef = 0;
    bool operator==(const Key&) const = default;
  };
  /// Nothing where the list follows from anything else, or is left to chance.
  static std::optional<Key> key_of(const engine::PageRequest& page, std::uint64_t lineup, TimePoint now);

  /// The list if it is there, until the next keep().
  SharedPage* find(const Key& key);
  SharedPage& keep(const Key& key, const engine::Page& page);

 private:
  static constexpr std::size_t kSlots = 256;
  static constexpr std::size_t kMostItems = 50;
  struct Slot {
    Key key;
    SharedPage shared;
  };
  static std::size_t slot_of(const Key& key);

  std::vector<Slot> slots_;  ///< empty until the first list is kept
};

}  // namespace lodestone::serving
