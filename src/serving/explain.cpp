#include "serving/explain.hpp"

#include <fmt/format.h>

#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "engine/explanation.hpp"
#include "engine/ranking.hpp"
#include "engine/recommender.hpp"
#include "serving/answer.hpp"
#include "serving/external_lists.hpp"

namespace lodestone::serving {
namespace {

using engine::Fate;
using engine::PageKind;
using engine::TargetExplanation;

std::string_view dropped_by(Fate fate) {
  switch (fate) {
    case Fate::kShown: return "";
    case Fate::kUnavailable: return "not_available";
    case Fate::kHidden: return "hidden";
    case Fate::kPageItem: return "page_item";
    case Fate::kOwned: return "owned";
    case Fate::kExcluded: return "excluded";
    case Fate::kFiltered: return "filter";
    case Fate::kNoChannel: return "no_channel";
    case Fate::kBelowCut: return "below_cut";
  }
  return "";
}

std::string_view kind_name(PageKind kind) {
  switch (kind) {
    case PageKind::kSimilar: return "similar";
    case PageKind::kDetail: return "detail";
    case PageKind::kUser: return "user";
    case PageKind::kTrending: return "trending";
    case PageKind::kSearch: return "search";
  }
  return "";
}

/// "behavior 12 (0.31), content 3 (0.6)"; "" when no channel has it.
std::string channels_text(const TargetExplanation& told, std::span<const std::string> names) {
  std::string out;
  for (std::size_t c = 0; c < engine::kChannels; ++c) {
    if (told.channels[c].rank == 0) continue;
    out += fmt::format("{}{} {} ({:.4g})", out.empty() ? "" : ", ", engine::channel_name(static_cast<engine::Channel>(c), names),
                       told.channels[c].rank, told.channels[c].score);
  }
  return out;
}

std::string no_channel_text(const TargetExplanation& told, const engine::PageRequest& request) {
  std::string out = "no channel gave it";
  if (told.is_in_history) out += "; the visitor has seen it, and what speaks through a history leaves that out";
  const std::string places = channels_text(told, request.external_names);
  out += places.empty() ? ", nor has any channel that was asked it further down its list"
                        : "; its place in the whole lists, beyond where they are cut: " + places;
  return out;
}

std::string below_cut_text(const TargetExplanation& told, const engine::Page& page, const engine::PageRequest& request) {
  std::string out = fmt::format("place {} by the fused score ({:.4g})", told.fused_rank, told.fused_score);
  if (told.ranked_place > 0) {
    out += fmt::format(", place {} of {} by ranker {} ({:.4g})", told.ranked_place, page.n_ranked, page.ranker->name(),
                       told.ranked_score);
  } else if (page.ranker != nullptr) {
    out += fmt::format(", and ranker {} looked at the best {}", page.ranker->name(), page.n_ranked);
  }
  if (request.rules != nullptr || request.diversity > 0) out += ", before rules and diversity";
  out += fmt::format("; the last of {} items shown has {:.4g}", page.items.size(), told.last_score);
  const std::string places = channels_text(told, request.external_names);
  return places.empty() ? out : out + "; places in channels: " + places;
}

std::string detail_of(const TargetExplanation& told, const engine::Page& page, const engine::PageRequest& request) {
  switch (told.fate) {
    case Fate::kShown: {
      const engine::PageItem& item = page.items[told.place - 1];
      std::string reason;
      engine::append_reason(reason, item.channels, page.external_names);
      return fmt::format("place {} of {}, score {:.4g}, by {}", told.place, page.items.size(), item.score, reason);
    }
    case Fate::kUnavailable: return "it is not available: withdrawn, or not published";
    case Fate::kHidden: return "a rule hides it";
    case Fate::kPageItem: return "it is the data set of the page";
    case Fate::kOwned:
      return request.user ? fmt::format("user {} has it already", raw(*request.user)) : "the visitor has it already";
    case Fate::kExcluded: return "the request excludes it";
    case Fate::kFiltered: return "the filter leaves it out";
    case Fate::kNoChannel: return no_channel_text(told, request);
    case Fate::kBelowCut: return below_cut_text(told, page, request);
  }
  return "";
}

void append_target(std::string& out, bool found, std::string_view dropped, std::string_view detail) {
  json::Writer writer(out);
  writer.begin_object().key("found").boolean(found).key("dropped_by");
  if (dropped.empty()) {
    writer.null();
  } else {
    writer.value(dropped);
  }
  writer.key("detail").value(detail).end_object();
}

}  // namespace

engine::PageRequest explained_page(const models::Release& release, const ExplainOrder& order, TimePoint now) {
  engine::PageRequest request;
  if (!order.user && !order.item) {
    fail(ErrorCode::kInvalidArgument,
         "neither a user nor a data set is given; name one of them, or both for the data set's page as the user sees it");
  }
  request.kind = order.kind();
  if (order.item) request.item = release.catalog.find(*order.item);
  if (order.item && !request.item) fail(ErrorCode::kNotFound, "data set {} is not in bundle {}", raw(*order.item), release.id);
  request.user = order.user;
  request.limit = order.limit;
  request.exclude = order.exclude;
  if (order.filter) request.filter = &*order.filter;
  request.with_rows = true;
  features::set_time(now.time_since_epoch().count(), request.values);
  return request;
}

void Explanation::make(const models::Release& release, const engine::PageRequest& request) {
  item_ = target_ ? release.catalog.find(*target_) : std::nullopt;
  if (item_) {
    told_ = engine::explain_target(release, request, *item_, scratch_, page_);
  } else {
    engine::recommend(release, request, scratch_, page_);
  }
}

void Explanation::mark_bundle_only() { serving::mark_bundle_only(page_); }

void Explanation::append(std::string& out, const models::Release& release, const engine::PageRequest& request) const {
  out.append("{\"kind\":\"").append(kind_name(request.kind)).append("\",\"list\":");
  append_items(out, release, page_, Detail::kAccounted);
  out += ",\"target\":";
  if (item_) {
    append_target(out, told_.fate == Fate::kShown, dropped_by(told_.fate), detail_of(told_, page_, request));
  } else if (target_) {
    append_target(out, false, "unknown", fmt::format("bundle {} has no data set {}", release.id, raw(*target_)));
  } else {
    out += "null";
  }
  out.append(",\"algorithm_version\":\"").append(release.id);
  out.append("\",\"variant\":\"").append(variant_);
  out.append("\",\"experiment_variant\":\"").append(experiment_variant_).append("\"}");
}

}  // namespace lodestone::serving
