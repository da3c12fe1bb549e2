// Figures of a release on disk and of the engine over it:
//
//   bundle_bench make FOLDER N_ITEMS N_NEIGHBOURS [N_TASTES]   packs a release with three item-to-item models of that size
//   bundle_bench open FOLDER                                   opens it; the first request against the thousandth
//   bundle_bench engine FOLDER                                 microseconds of one page, by kind; histories have up to 50 items
//
// With N_TASTES (default 100) groups of items the lists of a history overlap, as they do in life; with 1 every sum is spread over the
// whole catalogue, the worst that can happen.
//
// One JSON object on stdout.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/rng.hpp"
#include "bundle/bundle.hpp"
#include "engine/query.hpp"
#include "engine/recommender.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone {
namespace {

using engine::Page;
using engine::PageKind;
using engine::PageRequest;
using Time = std::chrono::steady_clock;

double seconds_since(Time::time_point start) { return std::chrono::duration<double>(Time::now() - start).count(); }

fs::path only_bundle(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (bundle::is_bundle_id(entry.path().filename().string())) return entry.path();
  }
  fail(ErrorCode::kNotFound, "{}: holds no bundle; bundle_bench make writes one", folder.string());
}

std::size_t parse_count(std::string_view text) {
  std::size_t n = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), n).ec != std::errc() || n == 0) {
    fail(ErrorCode::kInvalidArgument, "\"{}\" is no count", text);
  }
  return n;
}

void make(const fs::path& folder, std::size_t n_items, std::size_t n_neighbours, std::size_t n_tastes) {
  test::SampleOptions options;
  options.n_items = n_items;
  options.n_neighbours = n_neighbours;
  options.n_tastes = n_tastes;
  options.n_users = 10'000;
  options.history_max = 50;
  options.n_categories = 200;
  options.list_share = 1;
  const std::string id = bundle::pack(test::sample_release(options), test::sample_info(), folder);
  fmt::print("{{\"id\":\"{}\",\"bytes\":{}}}\n", id, bundle::Manifest::load(folder / id).bytes());
}

/// Pages of one kind over random items and users, and how long each took.
class Pages {
 public:
  explicit Pages(const models::Release& release) : release_(release) { engine::warm(release, scratch_, page_); }

  double microseconds(PageRequest request) {
    if (request.kind == PageKind::kSimilar || request.kind == PageKind::kDetail) {
      request.item = static_cast<ItemIndex>(rng_.below(release_.catalog.n_items()));
    }
    if (request.kind == PageKind::kDetail || request.kind == PageKind::kUser)
      request.user = release_.users.id(rng_.below(release_.users.size()));
    const auto start = Time::now();
    engine::recommend(release_, request, scratch_, page_);
    return seconds_since(start) * 1e6;
  }
  /// Median of many.
  double median_microseconds(const PageRequest& request) {
    std::vector<double> all(2001);
    for (double& one : all) one = microseconds(request);
    std::nth_element(all.begin(), all.begin() + 1000, all.end());
    return all[1000];
  }

 private:
  const models::Release& release_;
  engine::Scratch scratch_;
  Page page_;
  Rng rng_{7};
};

void open(const fs::path& folder) {
  const fs::path path = only_bundle(folder);
  const auto start = Time::now();
  const auto bundle = bundle::Bundle::open(path);
  const double open_seconds = seconds_since(start);
  Pages pages(bundle->release());
  std::vector<double> all(1010);
  for (double& one : all) one = pages.microseconds({});
  const double first = all.front();
  // One request of microseconds says little on a shared machine; the thousandth is the middle of the 21 around it.
  const auto middle = all.begin() + 999;
  std::nth_element(middle - 10, middle, all.end());
  fmt::print("{{\"open_seconds\":{:.4f},\"first_us\":{:.2f},\"thousandth_us\":{:.2f},\"bytes\":{}}}\n", open_seconds, first,
             *middle, bundle->manifest().bytes());
}

void time_engine(const fs::path& folder) {
  const auto bundle = bundle::Bundle::open(only_bundle(folder));
  Pages pages(bundle->release());
  std::string out;
  const auto add = [&](const char* name, const PageRequest& request) {
    fmt::format_to(std::back_inserter(out), "{}\"{}_us\":{:.2f}", out.empty() ? "" : ",", name,
                   pages.median_microseconds(request));
  };
  PageRequest request;
  add("similar", request);
  request.kind = PageKind::kDetail;
  add("detail", request);
  request.kind = PageKind::kUser;
  add("user", request);
  request.kind = PageKind::kTrending;
  add("trending", request);
  std::vector<std::uint64_t> tokens;
  engine::query_tokens("weather statistics", tokens);
  request.kind = PageKind::kSearch;
  request.query_tokens = tokens;
  add("search", request);
  request = {};
  const engine::Filter common = engine::Filter::parse(R"(price<=30 and not company="company 1")");
  request.filter = &common;
  add("similar_filtered", request);
  const engine::Filter none = engine::Filter::parse(R"(price<0 and title has "weather")");
  request.filter = &none;
  add("similar_nothing_matches", request);
  const engine::Filter text = engine::Filter::parse(R"(description has "no such text")");
  request.filter = &text;
  add("similar_no_text_matches", request);
  fmt::print("{{{}}}\n", out);
}

int run(const std::vector<std::string>& arguments) {
  if ((arguments.size() == 4 || arguments.size() == 5) && arguments[0] == "make") {
    make(arguments[1], parse_count(arguments[2]), parse_count(arguments[3]),
         arguments.size() == 5 ? parse_count(arguments[4]) : 100);
  } else if (arguments.size() == 2 && arguments[0] == "open") {
    open(arguments[1]);
  } else if (arguments.size() == 2 && arguments[0] == "engine") {
    time_engine(arguments[1]);
  } else {
    fmt::print(stderr, "usage: bundle_bench make FOLDER N_ITEMS N_NEIGHBOURS [N_TASTES] | open FOLDER | engine FOLDER\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace lodestone

int main(int argc, char** argv) {
  try {
    return lodestone::run({argv + 1, argv + argc});
  } catch (const lodestone::Error& error) {
    fmt::print(stderr, "bundle_bench: {}\n", error.message());
    return lodestone::exit_code(error.code());
  }
}
