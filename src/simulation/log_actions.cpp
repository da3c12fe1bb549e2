#include "simulation/log_actions.hpp"

#include <fmt/format.h>

namespace lodestone::simulation {
namespace {

constexpr std::string_view kHost = "data.example.com";

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    if (plain) {
      out.push_back(c);
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

/// What people type: mostly the name of the cluster, now and then something that a reader must survive.
std::string search_text(const Items& items, std::uint32_t cluster) {
  const std::string& name = items.cluster_name(cluster);
  switch (cluster % 17) {
    case 5: return "\"" + name + "\" 🔍";
    case 11: return "<b>" + name + "</b> & 'more', 100%";
    default: return name;
  }
}

}  // namespace

std::string format_request(const RequestKey& request) {
  return fmt::format("req_{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", request.high >> 32U, request.high >> 16U & 0xffffU,
                     request.high & 0xfffU, 0x8000U | (request.low >> 48U & 0x3fffU), request.low & 0xffffffffffffU);
}

std::string page_url(Page page, std::uint32_t item) {
  switch (page) {
    case Page::kDetail: return fmt::format("{}/dataDetail/{}", kHost, item + 1);
    case Page::kApiDetail: return fmt::format("{}/dataAPIDetail/{}", kHost, item + 1);
    case Page::kPayment: return fmt::format("{}/payment/{}", kHost, item + 1);
  }
  return "";
}

LogActions::LogActions(const Items& items, TableWriter& out)
    : items_(&items),
      out_(&out),
      home_(add(kUrl, fmt::format("{}/", kHost))),
      event_category_(add(kCategory, "Recommendation")),
      event_action_(add(kAction, "Click")),
      card_(add(kName, "card")),
      special_(add(kUrl, fmt::format("{}/special/season?utm_source=mail&lang=zh-CN", kHost))),
      of_item_(items.size()),
      keywords_(items.n_clusters()),
      searches_(items.n_clusters()) {}

ActionId LogActions::add(Type type, std::string_view name) {
  out_->integer(++last_).text(name).integer(type);
  // 2 stands for "https://", which the name of a URL leaves out.
  type == kUrl ? out_->integer(2) : out_->null();
  out_->end_row();
  return last_;
}

ActionId LogActions::page(Page page, std::uint32_t item) {
  ActionId& id = of_item_[item].pages[static_cast<std::size_t>(page)];
  return id != 0 ? id : id = add(kUrl, page_url(page, item));
}

ActionId LogActions::landing(Page page, std::uint32_t item, const RequestKey& request, int position) {
  return add(kUrl, fmt::format("{}?from=recommend&rid={}&pos={}", page_url(page, item), format_request(request), position));
}

ActionId LogActions::title(std::uint32_t item) {
  ActionId& id = of_item_[item].title;
  return id != 0 ? id : id = add(kTitle, items_->title(item));
}

ActionId LogActions::sku(std::uint32_t item) { return once(of_item_[item].sku, kSku, fmt::format("{}", item + 1)); }

ActionId LogActions::click_name(std::uint32_t item) {
  return once(of_item_[item].click_name, kName, fmt::format("dataset_{}", item + 1));
}

ActionId LogActions::keyword(std::uint32_t cluster) { return once(keywords_[cluster], kKeyword, search_text(*items_, cluster)); }

ActionId LogActions::search_url(std::uint32_t cluster) {
  return once(searches_[cluster], kUrl,
              fmt::format("{}/search?keyword={}", kHost, percent_encoded(search_text(*items_, cluster))));
}

}  // namespace lodestone::simulation
