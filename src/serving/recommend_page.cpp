// POST /recommend/page: several lists of one page, in which no item stands twice.

#include "base/json.hpp"
#include "http/parameters.hpp"
#include "serving/json_body.hpp"
#include "serving/page_order.hpp"
#include "serving/worker.hpp"

namespace lodestone::serving {
namespace {

/// Before any list is made, so that a page that is refused has shown nothing.
template <typename MaySee>
void check_items(const PageOrder& order, const models::Release& release, const MaySee& may_see) {
  for (const SlotOrder& slot : order.slots) {
    if (!slot.item) continue;
    const auto item = release.catalog.find(*slot.item);
    if (!item || !may_see(*item)) {
      fail(ErrorCode::kNotFound, "slot \"{}\": data set {} is not in bundle {}", slot.name, raw(*slot.item), release.id);
    }
  }
}

}  // namespace

void Recommendations::page(const http::Request& request, Worker& worker, const Lineup& lineup, http::Response& response) {
  static constexpr std::string_view kKnown[] = {"source"};
  const http::Parameters parameters(request, kKnown);
  Asked asked;
  asked.endpoint = Endpoint::kPage;
  asked.origin = read_origin(request, parameters.find("source"));
  auto read = read_json_body(request, response, parse_page_order);
  if (!read) return;
  PageOrder& order = *read;
  asked.visitor = order.visitor_id;
  asked.unit = order.visitor_id;
  asked.page.user = order.user;
  if (order.user) asked.set_unit(raw(*order.user));
  assign(request, asked, worker, lineup);
  const models::Release& release = asked.release->release();
  check_items(order, release, [&](ItemIndex item) { return may_see(request, worker, asked, item); });
  std::string& out = response.out();
  out += "{\"slots\":{";
  worker.exclude.clear();
  for (SlotOrder& slot : order.slots) {
    asked.slot = slot.name;
    asked.list = static_cast<std::size_t>(&slot - order.slots.data());
    asked.page.kind = order.kind_of(slot);
    asked.page.item = slot.item ? release.catalog.find(*slot.item) : std::nullopt;
    asked.page.limit = slot.limit;
    asked.page.exclude = worker.exclude;
    asked.filter = std::move(slot.filter);
    asked.page.filter = asked.filter ? &*asked.filter : nullptr;
    if (!make_page(request, asked, worker, response)) return;
    if (&slot != order.slots.data()) out += ',';
    json::append_string(out, slot.name);
    out += ':';
    static_cast<void>(put_items(asked, worker, response));
    for (const engine::PageItem& item : worker.shown().items) worker.exclude.push_back(release.catalog.id(item.item));
  }
  out.append("},\"request_id\":\"").append(request.request_id).append("\"}");
}

}  // namespace lodestone::serving
