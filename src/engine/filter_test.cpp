#include "engine/filter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/rng.hpp"

namespace lodestone::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::int64_t at(std::string_view text) { return parse_time(text)->time_since_epoch().count(); }

/// Items 0 to 4; item 4 lacks whatever can be missing.
std::vector<models::Item> sample_items() {
  std::vector<models::Item> items(5);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].id = ItemId(static_cast<std::int64_t>(i) + 1);
    items[i].title = "Item " + std::to_string(i);
    items[i].price = static_cast<double>(i) * 5;
    items[i].records = 100;
    items[i].data_format = "CSV";
  }
  items[0].tags = {"weather", "air"};
  items[0].category = "weather";
  items[0].company = "x";
  items[0].created_at = at("2026-01-01T00:00:00Z");
  items[0].description = "Hourly rain, \"as measured\" by A\\B";
  items[1].tags = {"air"};
  items[1].category = "air";
  items[1].company = "y";
  items[1].created_at = at("2026-06-01T00:00:00Z");
  items[1].is_available = false;
  items[2].category = "气象";
  items[2].title = "空气质量 DATA";
  items[2].created_at = at("2026-06-01T08:00:00+08:00");
  items[3].category = "weather";
  items[3].company = "x";
  items[3].cover_image = "https://example.org/3.png";
  items[4].title = "";
  items[4].price = nan;
  items[4].records = nan;
  items[4].data_format = "";
  return items;
}

class FilterTest : public ::testing::Test {
 protected:
  FilterTest() {
    save_catalog(sample_items(), folder_.path() / "items");
    file_ = std::make_unique<TensorFile>(folder_.path() / "items");
    catalog_ = models::Catalog(*file_);
  }
  /// Items that match.
  std::vector<int> select(std::string_view text) {
    const Filter filter = Filter::parse(text);
    bound_.bind(filter, catalog_);
    std::vector<int> out;
    for (ItemIndex item = 0; item < 5; ++item) {
      if (bound_.matches(item)) out.push_back(item);
    }
    return out;
  }
  TemporaryFolder folder_;
  std::unique_ptr<TensorFile> file_;
  models::Catalog catalog_;
  BoundFilter bound_;
};

std::string failure_of(std::string_view text) {
  try {
    (void)Filter::parse(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.message();
  }
  return "no failure";
}

TEST_F(FilterTest, compares_numbers) {
  EXPECT_THAT(select("price<=10"), ElementsAre(0, 1, 2));
  EXPECT_THAT(select("price < 10"), ElementsAre(0, 1));
  EXPECT_THAT(select("price=5"), ElementsAre(1));
  EXPECT_THAT(select("price!=5"), ElementsAre(0, 2, 3));
  EXPECT_THAT(select("price>=1.5e1"), ElementsAre(3));
  EXPECT_THAT(select("price>-1"), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(select("price in (5, 15, 99)"), ElementsAre(1, 3));
  EXPECT_THAT(select("item_id>3"), ElementsAre(3, 4));
  EXPECT_THAT(select("item_id in (1,5)"), ElementsAre(0, 4));
  EXPECT_THAT(select("records>99"), ElementsAre(0, 1, 2, 3));
}

TEST_F(FilterTest, both_accepts_what_each_accepts) {
  const std::vector<std::string> filters = {"price<=10",
                                            "not price<=10",
                                            "price<5 or price>10",
                                            R"(not (category="weather" and price<3) or item_id=1)",
                                            R"(category in ("weather","air") and not company="x")",
                                            "item_id<0",
                                            "item_id>=0"};
  for (const std::string& first : filters) {
    for (const std::string& second : filters) {
      const std::vector<int> expected = select("(" + first + ") and (" + second + ")");
      const Filter both = Filter::both(Filter::parse(first), Filter::parse(second));
      bound_.bind(both, catalog_);
      for (ItemIndex item = 0; item < 5; ++item) {
        const bool is_expected = std::find(expected.begin(), expected.end(), static_cast<int>(item)) != expected.end();
        EXPECT_EQ(bound_.matches(item), is_expected) << first << " / " << second << " " << item;
      }
    }
  }
}

TEST_F(FilterTest, compares_item_ids_exactly) {
  // As doubles these two would be equal.
  EXPECT_THAT(select("item_id<9007199254740993 and item_id>-9007199254740993"), ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(FilterTest, compares_texts) {
  EXPECT_THAT(select(R"(category="weather")"), ElementsAre(0, 3));
  EXPECT_THAT(select(R"(category = "气象")"), ElementsAre(2));
  EXPECT_THAT(select(R"(category in ("weather","air"))"), ElementsAre(0, 1, 3));
  EXPECT_THAT(select(R"(category="no such")"), IsEmpty());
  EXPECT_THAT(select(R"(category!="weather")"), ElementsAre(1, 2));
  EXPECT_THAT(select(R"(category!="no such")"), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(select(R"(category<"b")"), ElementsAre(1));
  EXPECT_THAT(select(R"(category has "EATH")"), ElementsAre(0, 3));
  EXPECT_THAT(select(R"(title="Item 1")"), ElementsAre(1));
  EXPECT_THAT(select(R"(title in ("Item 1","Item 3"))"), ElementsAre(1, 3));
  EXPECT_THAT(select(R"(title>="Item 1")"), ElementsAre(1, 2, 3));
  EXPECT_THAT(select(R"(cover_image has "example.org")"), ElementsAre(3));
  EXPECT_THAT(select(R"(data_format="CSV")"), ElementsAre(0, 1, 2, 3));
}

TEST_F(FilterTest, finds_text_within_text_whatever_the_case) {
  EXPECT_THAT(select(R"(title has "质量 data")"), ElementsAre(2));
  EXPECT_THAT(select(R"(title has "item")"), ElementsAre(0, 1, 3));
  EXPECT_THAT(select(R"(title has "")"), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(select(R"(description has "rain, \"AS")"), ElementsAre(0));
  EXPECT_THAT(select(R"(description has "a\\b")"), ElementsAre(0));
}

TEST_F(FilterTest, finds_tags_whole) {
  EXPECT_THAT(select(R"(tags has "air")"), ElementsAre(0, 1));
  EXPECT_THAT(select(R"(tags has "ai")"), IsEmpty());
  EXPECT_THAT(select(R"(not tags has "weather")"), ElementsAre(1, 2, 3, 4));
}

TEST_F(FilterTest, compares_times_in_utc) {
  EXPECT_THAT(select(R"(created_at>="2026-06-01")"), ElementsAre(1, 2));
  EXPECT_THAT(select(R"(created_at="2026-06-01T00:00:00Z")"), ElementsAre(1, 2));
  EXPECT_THAT(select(R"(created_at<"2026-06-01T00:00:00+08:00")"), ElementsAre(0));
  EXPECT_THAT(select(R"(updated_at>"2000-01-01")"), IsEmpty());
}

TEST_F(FilterTest, compares_flags) {
  EXPECT_THAT(select("is_available=false"), ElementsAre(1));
  EXPECT_THAT(select("is_available != false"), ElementsAre(0, 2, 3, 4));
}

TEST_F(FilterTest, a_missing_value_makes_every_comparison_false) {
  for (const char* text :
       {"price=5", "price!=5", "price<1e300", "price>=-1e300", R"(company="x")", R"(company!="x")", R"(company<"z")",
        R"(company has "")", R"(created_at<"2999-01-01")", R"(created_at!="2026-01-01")", R"(title!="a")", R"(title has "")"}) {
    EXPECT_THAT(select(text), ::testing::Not(::testing::Contains(4))) << text;
    EXPECT_THAT(select(std::string("not ") + text), ::testing::Contains(4)) << text;
  }
}

TEST_F(FilterTest, joins_comparisons) {
  EXPECT_THAT(select(R"(price<=10 and category in ("weather","air") and not company="x")"), ElementsAre(1));
  EXPECT_THAT(select("price=0 or price=5 and price=99"), ElementsAre(0));  // and binds closer
  EXPECT_THAT(select("(price=0 or price=5) and price=5"), ElementsAre(1));
  EXPECT_THAT(select("not price=0 and price<10"), ElementsAre(1));  // not binds closest
  EXPECT_THAT(select("not (price=0 or price=5)"), ElementsAre(2, 3, 4));
  EXPECT_THAT(select("not not price=0"), ElementsAre(0));
  EXPECT_THAT(select("not(price<10)and((price<99))"), ElementsAre(2, 3));
  EXPECT_THAT(select(" \t\nprice=0\r\n"), ElementsAre(0));
}

TEST_F(FilterTest, says_where_and_what_was_expected) {
  EXPECT_EQ(failure_of(""), "filter ends at position 1 where a field, not or '(' is expected");
  EXPECT_EQ(failure_of("price<"), "filter ends at position 7 where a number is expected");
  EXPECT_EQ(failure_of("price ~ 3"), "filter has '~' at position 7 where one of = != < <= > >= in has is expected");
  EXPECT_EQ(failure_of("price<10x"), "filter has '10x' at position 7 where a number is expected");
  EXPECT_EQ(failure_of("price<inf"), "filter has 'inf' at position 7 where a number is expected");
  EXPECT_EQ(failure_of("price<1e999"), "filter has '1e999' at position 7 where a number is expected");
  EXPECT_EQ(failure_of("item_id=1.5"), "filter has '1' at position 9 where a whole number is expected");
  EXPECT_EQ(failure_of("item_id=99999999999999999999"),
            "filter has '99999999999999999999' at position 9 where a whole number is expected");
  EXPECT_EQ(failure_of("title=abc"), "filter has 'abc' at position 7 where a text in double quotes is expected");
  EXPECT_EQ(failure_of("title=\"abc"), "filter ends at position 11 inside a text; a closing \" is expected");
  EXPECT_EQ(failure_of("title=\"abc\\"), "filter ends at position 12 inside a text; a closing \" is expected");
  EXPECT_EQ(failure_of("title=\"a\\nb\""), "filter has a backslash at position 9 before neither \" nor \\; write \\\\ for one");
  EXPECT_EQ(failure_of("(price<3"), "filter ends at position 9 where and, or, or ')' is expected");
  EXPECT_EQ(failure_of("price<3)"), "filter has ')' at position 8 where and, or, or the end is expected");
  EXPECT_EQ(failure_of("price<3 & price>1"), "filter has '&' at position 9 where and, or, or the end is expected");
  EXPECT_EQ(failure_of("price<3 and"), "filter ends at position 12 where a field, not or '(' is expected");
  EXPECT_EQ(failure_of("price in 3"), "filter has '3' at position 10 where '(' and a list of values is expected");
  EXPECT_EQ(failure_of("price in (3"), "filter ends at position 12 where ',' or ')' is expected");
  EXPECT_EQ(failure_of("is_available=1"), "filter has '1' at position 14 where true or false is expected");
  EXPECT_EQ(failure_of("，"), "filter has '，' at position 1 where a field, not or '(' is expected");
  EXPECT_EQ(failure_of("created_at<\"yesterday\""),
            "filter has \"yesterday\" at position 12 where an RFC 3339 time is expected, like \"2026-11-24T09:30:00Z\"");
}

TEST_F(FilterTest, names_the_nearest_field) {
  EXPECT_EQ(failure_of("prise<3"), "filter has unknown field 'prise' at position 1; did you mean \"price\"?");
  EXPECT_THAT(failure_of("nonsense_altogether<3"), HasSubstr("item_id, title, description, tags, category"));
}

TEST_F(FilterTest, says_which_operators_a_field_takes) {
  EXPECT_EQ(failure_of("tags=\"air\""), "filter: field tags takes no '=' (position 5); ask tags has \"x\"");
  EXPECT_EQ(failure_of("price has 3"), "filter: field price takes no 'has' (position 7); it takes = != < <= > >= in");
  EXPECT_EQ(failure_of("is_available<true"),
            "filter: field is_available takes no '<' (position 13); it takes = and != with true or false");
}

TEST_F(FilterTest, is_limited_in_length_depth_and_cost) {
  EXPECT_THAT(failure_of(std::string(2001, ' ')), HasSubstr("filter has 2001 bytes, at most 2000 are allowed"));
  EXPECT_EQ(select(std::string(1992, ' ') + "price=0").size(), 1U);
  const auto nested = [](std::size_t n) { return std::string(n, '(') + "price=0" + std::string(n, ')'); };
  EXPECT_THAT(select(nested(31)), ElementsAre(0));
  EXPECT_THAT(failure_of(nested(32)), HasSubstr("filter nests deeper than 32 at position 33"));
  std::string nots;
  for (int i = 0; i < 40; ++i) nots += "not ";
  EXPECT_THAT(failure_of(nots + "price=0"), HasSubstr("filter nests deeper than 32"));
  std::string many = "price=0";
  for (int i = 0; i < 63; ++i) many += " or price=0";
  EXPECT_THAT(select(many), ElementsAre(0));
  EXPECT_THAT(failure_of(many + " or price=0"), HasSubstr("filter has more than 64 comparisons before position"));
  std::string searches = "title has \"a\"";
  for (int i = 0; i < 8; ++i) searches += " or title has \"a\"";
  EXPECT_THAT(failure_of(searches), HasSubstr("filter searches texts by has more than 8 times"));
}

/// A random filter with its truth for each item, computed on the way by the plain rules.
struct RandomFilter {
  std::string text;
  std::array<bool, 5> truth{};
};

RandomFilter random_filter(Rng& rng, int depth) {
  RandomFilter out;
  const std::uint64_t form = depth == 0 ? 0 : rng.below(5);
  if (form <= 1) {
    const auto bound = static_cast<double>(rng.below(5)) * 5;
    out.text = "price<=" + std::to_string(static_cast<int>(bound));
    for (std::size_t i = 0; i < 4; ++i) out.truth[i] = static_cast<double>(i) * 5 <= bound;
    return out;
  }
  if (form == 2) {
    const RandomFilter inner = random_filter(rng, depth - 1);
    out.text = "not (" + inner.text + ")";
    for (std::size_t i = 0; i < 5; ++i) out.truth[i] = !inner.truth[i];
    return out;
  }
  const RandomFilter left = random_filter(rng, depth - 1);
  const RandomFilter right = random_filter(rng, depth - 1);
  out.text = "(" + left.text + (form == 3 ? ") and (" : ") or (") + right.text + ")";
  for (std::size_t i = 0; i < 5; ++i)
    out.truth[i] = form == 3 ? left.truth[i] && right.truth[i] : left.truth[i] || right.truth[i];
  return out;
}

TEST_F(FilterTest, random_filters_mean_what_they_say) {
  Rng rng(5);
  for (int round = 0; round < 2000; ++round) {
    const RandomFilter random = random_filter(rng, 5);
    std::vector<int> expected;
    for (int i = 0; i < 5; ++i) {
      if (random.truth[static_cast<std::size_t>(i)]) expected.push_back(i);
    }
    EXPECT_EQ(select(random.text), expected) << random.text;
  }
}

TEST(FilterText, is_found_at_every_place_of_a_long_text) {
  // Longer than the blocks in which the search goes, with the first letter everywhere.
  std::vector<models::Item> items(1);
  const TemporaryFolder folder;
  for (std::size_t place = 0; place < 100; ++place) {
    items[0].description = std::string(place, 'n') + "Needle" + std::string(100 - place, 'e');
    save_catalog(items, folder.path() / "items");
    const TensorFile file(folder.path() / "items");
    const models::Catalog catalog(file);
    BoundFilter bound;
    for (const auto& [text, found] :
         {std::pair("description has \"nEEDLE\"", true), std::pair("description has \"needles\"", false)}) {
      const Filter filter = Filter::parse(text);
      bound.bind(filter, catalog);
      EXPECT_EQ(bound.matches(0), found) << text << " at " << place;
    }
  }
}

}  // namespace
}  // namespace lodestone::engine
