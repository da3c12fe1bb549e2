// Texts of generated data sets: Chinese, English or both, plain or with markup, sometimes untidy, as sellers write them.
#include <fmt/format.h>

#include <array>
#include <map>

#include "simulation/companies.hpp"
#include "simulation/items.hpp"
#include "simulation/streams.hpp"
#include "simulation/vocabulary.hpp"

namespace lodestone::simulation {
namespace {

constexpr std::array<Term, 5> kPeriods = {
    {{"小时", "hourly"}, {"日度", "daily"}, {"月度", "monthly"}, {"年度", "annual"}, {"实时", "real-time"}}};
constexpr std::array<Term, 5> kKinds = {{{"数据集", "data set"},
                                         {"数据接口", "data API"},
                                         {"统计表", "statistics"},
                                         {"明细", "records"},
                                         {"监测数据", "monitoring data"}}};
constexpr std::array<std::string_view, 7> kFormats = {"csv", "json", "xlsx", "parquet", "api", "xml", "shp"};

template <typename Container>
const auto& pick(Rng& rng, const Container& container) {
  return container[rng.below(container.size())];
}

std::string make_title(Rng& rng, const Term& focus, const Term& period, const Term& kind, const Province& province) {
  const auto year = 2015 + rng.below(11);
  std::string title;
  const double form = rng.uniform();
  if (form < 0.68) {
    title = fmt::format("{}{}{}{}", province.name.zh, focus.zh, period.zh, kind.zh);
    if (rng.chance(0.4)) title += fmt::format("（{}年）", year);
  } else if (form < 0.9) {
    title = fmt::format("{} {} {} {}", province.name.en, period.en, focus.en, kind.en);
    if (rng.chance(0.4)) title += fmt::format(" {}", year);
  } else {
    title = fmt::format("{}{}{} {} {}", province.name.zh, focus.zh, kind.zh, focus.en, kind.en);
  }
  if (rng.chance(0.01)) title += " 🔥\"热门\"";
  return title;
}

std::string make_description(Rng& rng, const Topic& topic, const Term& focus, const Term& period, const Province& province) {
  const Term& other = pick(rng, topic.terms);
  std::string zh =
      fmt::format("本数据提供{}{}的{}{}数据，包含{}等字段，由{}领域机构采集整理，适用于{}分析与建模。", province.name.zh,
                  pick(rng, province.cities), period.zh, focus.zh, other.zh, topic.name.zh, focus.zh);
  std::string en = fmt::format("{} {} data of {}, with fields on {}, collected for {} analysis.", period.en, focus.en,
                               province.name.en, other.en, topic.name.en);
  const double form = rng.uniform();
  if (form < 0.45) return zh;
  if (form < 0.6) return zh + "\n" + en;
  if (form < 0.7) return en;
  return fmt::format("<p>{}</p><ul><li>{}&nbsp;&amp;&nbsp;{}</li><li style=\"color:red\">{}</li></ul>", zh, focus.zh, other.zh,
                     en);
}

std::string make_tags(Rng& rng, const Topic& topic, const Term& focus, const Term& period) {
  std::string tags(rng.chance(0.7) ? focus.zh : focus.en);
  const auto add = [&](std::string_view tag) { tags += fmt::format("{}{}", rng.chance(0.06) ? " ; " : ";", tag); };
  if (rng.chance(0.8)) add(rng.chance(0.8) ? topic.name.zh : topic.name.en);
  if (rng.chance(0.5)) add(focus.en);
  if (rng.chance(0.4)) add(period.zh);
  if (rng.chance(0.3)) add(pick(rng, topic.terms).zh);
  if (rng.chance(0.05)) tags += ";";
  return tags;
}

}  // namespace

ItemText generate_text(std::uint64_t seed, std::size_t item, std::size_t topic_index, std::size_t focus_index) {
  Rng rng(seed, stream::kItemTexts + item);
  const Topic& topic = topics()[topic_index];
  const Term& focus = topic.terms[focus_index];
  const Term& period = pick(rng, kPeriods);
  const Term& kind = pick(rng, kKinds);
  const Province& province = pick(rng, provinces());
  ItemText text;
  text.title = make_title(rng, focus, period, kind, province);
  const double described = rng.uniform();
  text.description_is_empty = described < 0.03;
  if (described > 0.13) text.description = make_description(rng, topic, focus, period, province);
  if (rng.chance(0.92)) text.tag = make_tags(rng, topic, focus, period);
  text.company = company_name(static_cast<std::size_t>(&province - provinces().data()), topic_index);
  // A few stand in a wrong category, and a few in none.
  const double filed = rng.uniform();
  if (filed > 0.02) text.category = filed < 0.06 ? pick(rng, topics()).category : topic.category;
  text.format = pick(rng, kFormats);
  return text;
}

void write_items(const Items& items, std::uint64_t seed, const std::vector<std::uint32_t>& sales,
                 const std::vector<std::uint32_t>& views, const ItemRows& rows) {
  Rng rng(seed, stream::kItemRows);
  std::map<std::string, std::int64_t> categories;
  std::int64_t image_id = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Item& item = items[i];
    const ItemText text = items.text(i);
    const auto id = static_cast<std::int64_t>(i + 1);
    std::int64_t type_id = 0;
    if (!text.category.empty()) {
      const auto [category, is_new] = categories.try_emplace(text.category, static_cast<std::int64_t>(categories.size() + 1));
      type_id = category->second;
      if (is_new) rows.dict->integer(type_id).text(text.category).end_row();
    }
    // Images: none for one in seven; the cover may be named, or left to the lowest image_order.
    const std::uint64_t n_images = rng.chance(0.86) ? 1 + rng.below(4) : 0;
    const std::int64_t cover =
        n_images > 0 && rng.chance(0.7) ? image_id + 1 + static_cast<std::int64_t>(rng.below(n_images)) : 0;
    for (std::uint64_t k = 0; k < n_images; ++k) {
      rows.image->integer(++image_id).integer(id).text(fmt::format("https://img.example.com/dataset/{}/{}.png", id, k + 1));
      rows.image->integer(static_cast<std::int64_t>(k + 1)).shanghai(item.created).shanghai(item.updated).end_row();
    }
    const bool off_shelf = item.removed != kNever && !item.deleted;
    const bool taken_back = off_shelf && rng.chance(0.3);
    TableWriter& out = *rows.dataset;
    out.integer(id).text(text.title);
    if (text.description.empty() && text.description_is_empty) {
      out.text("");
    } else {
      out.text_or_null(text.description);
    }
    out.text_or_null(text.tag).money(item.cents);
    rng.chance(0.5) ? out.money(item.cents + item.cents / 4) : out.null();
    out.text_or_null(text.company).id_or_null(cover).id_or_null(type_id);
    const auto amount = static_cast<std::int64_t>(std::exp(8.0 + 2.0 * rng.normal()));
    out.text(text.format).integer(amount).integer(amount * static_cast<std::int64_t>(40 + rng.below(400)));
    out.integer(sales[i]).number(static_cast<double>(views[i]) / 10.0).integer(taken_back ? 0 : 1).integer(off_shelf ? 0 : 1);
    out.integer(item.deleted ? 1 : 0).shanghai(item.created).shanghai(item.updated).text_or_null(text.external_id).end_row();
  }
}

}  // namespace lodestone::simulation
