#include "serving/answer.hpp"

#include <array>
#include <charconv>
#include <span>
#include <vector>

namespace lodestone::serving {

namespace {

template <typename Number>
void append_number(std::string& out, Number value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end.ptr);
}

void append_channels(std::string& out, const engine::PageItem& item, std::span<const std::string> external_names) {
  out += ",\"channels\":{";
  bool first = true;
  for (std::size_t c = 0; c < engine::kChannels; ++c) {
    if (item.contributions[c].rank == 0) continue;
    out += first ? "\"" : ",\"";
    first = false;
    out.append(engine::channel_name(static_cast<engine::Channel>(c), external_names)).append("\":{\"rank\":");
    append_number(out, item.contributions[c].rank);
    out += ",\"score\":";
    append_number(out, item.contributions[c].score);
    out += '}';
  }
  out += '}';
}

/// An explained page is made now and then, so its memory is its own.
class RankerExplanation {
 public:
  explicit RankerExplanation(const engine::Page& page) : page_(page) {
    if (!page.rows.empty()) contributions_.resize(page.ranker->columns().size());
  }

  /// False when there is no `features` to say.
  bool append(std::string& out, const engine::PageItem& item) {
    const std::size_t n = contributions_.size();
    if (n == 0 || item.row == engine::PageItem::kNoRow) return false;
    const models::Ranker& ranker = *page_.ranker;
    out.append(",\"ranker\":\"").append(ranker.name()).append("\"");
    const models::TreeShap* shap = ranker.shap();
    if (shap == nullptr) return false;
    shap->explain(std::span(page_.rows).subspan(item.row * n, n), contributions_, scratch_);
    out.append(",\"expected\":");
    append_number(out, shap->expected_value());
    out += ",\"features\":{";
    bool first = true;
    for (std::size_t f = 0; f < n; ++f) {
      if (contributions_[f] == 0) continue;
      out += first ? "\"" : ",\"";
      first = false;
      out.append(ranker.columns()[f]).append("\":");
      append_number(out, contributions_[f]);
    }
    out += '}';
    return true;
  }

 private:
  const engine::Page& page_;
  std::vector<double> contributions_;
  models::TreeShap::Scratch scratch_;
};

}  // namespace

void append_items(std::string& out, const models::Release& release, const engine::Page& page, Detail detail) {
  out += '[';
  RankerExplanation explanation(page);
  for (std::size_t place = 0; place < page.items.size(); ++place) {
    const engine::PageItem& item = page.items[place];
    out += place == 0 ? "{" : ",{";
    out += release.catalog.card(item.item);
    const bool is_explained = detail == Detail::kExplained || detail == Detail::kAccounted;
    if (detail == Detail::kScored || is_explained) {
      out += ",\"score\":";
      append_number(out, item.score);
    }
    if (detail != Detail::kCard) {
      out += ",\"reason\":\"";
      engine::append_reason(out, item.channels, page.external_names);
      out += '"';
    }
    if (is_explained) {
      append_channels(out, item, page.external_names);
      if (!explanation.append(out, item) && detail == Detail::kAccounted) out += ",\"features\":{}";
    }
    out += '}';
  }
  out += ']';
}

}  // namespace lodestone::serving
