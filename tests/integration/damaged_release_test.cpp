// A bundle may be damaged before it is signed: the hashes fit then, and only the structural checks stand between its bytes and the
// engine. Opening refuses, or every page of every kind can be made; the sanitizer builds see every access.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "bundle/bundle.hpp"
#include "engine/query.hpp"
#include "engine/recommender.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone {
namespace {

using bundle::Bundle;

const bundle::OpenOptions kOneThread{1};

/// In place: thousands of files cut to nothing first would each be flushed to the disk by the file system.
void write(const fs::path& path, std::string_view bytes) {
  std::fstream(path, std::ios::binary | std::ios::in | std::ios::out) << bytes;
  if (fs::file_size(path) != bytes.size()) fs::resize_file(path, bytes.size());
}

class DamagedReleaseTest : public ::testing::Test {
 protected:
  DamagedReleaseTest() {
    test::SampleOptions options;
    options.n_items = 5;
    options.n_users = 2;
    options.n_neighbours = 3;
    options.n_categories = 2;
    options.history_max = 3;
    bundle_ = folder_.path() / bundle::pack(test::sample_release(options), test::sample_info(), folder_.path());
    for (const auto& entry : fs::directory_iterator(bundle_)) files_[entry.path().filename()] = read_file(entry.path());
  }

  /// Puts `bytes` in place of a data file and signs the manifest anew, so that only the structural checks stand in the way.
  void replace_and_sign(const std::string& name, const std::string& bytes) {
    std::string manifest = files_["manifest.json"];
    const auto swap = [&](const std::string& from, const std::string& to) {
      manifest.replace(manifest.find(from), from.size(), to);
    };
    swap(sha256_hex(files_[name]), sha256_hex(bytes));
    // The size stands before the hash in the entry of the file.
    const std::size_t entry = manifest.find('"' + name + '"');
    const std::string size = fmt::format("\"bytes\": {}", files_[name].size());
    manifest.replace(manifest.find(size, entry), size.size(), fmt::format("\"bytes\": {}", bytes.size()));
    write(bundle_ / name, bytes);
    sign(manifest);
  }
  void sign(const std::string& manifest) {
    write(bundle_ / "manifest.json", manifest);
    write(bundle_ / "manifest.sha256", bundle::manifest_hash_line(manifest));
  }
  void restore(const std::string& name) {
    write(bundle_ / name, files_[name]);
    sign(files_["manifest.json"]);
  }

  /// Reads everything that a release gives; the sanitizer builds see every access. Returns whether it opened.
  bool open_and_read_all() {
    std::shared_ptr<const Bundle> bundle;
    try {
      bundle = Bundle::open(bundle_, kOneThread);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
      EXPECT_FALSE(error.message().empty());
      return false;
    }
    read_all(bundle->release());
    make_all_pages(bundle->release());
    return true;
  }

  static void read_all(const models::Release& release) {
    std::size_t sum = 0;
    const auto read_row = [&](const models::NeighbourRow& row) {
      for (const ItemIndex item : row.items) sum += release.catalog.title(item).size();
      for (std::size_t k = 1; k < row.scores.size(); ++k) EXPECT_LE(row.scores[k], row.scores[k - 1]);
    };
    const auto n = static_cast<ItemIndex>(release.catalog.n_items());
    for (ItemIndex item = 0; item < n; ++item) {
      for (const std::string_view text :
           {release.catalog.title(item), release.catalog.description(item), release.catalog.category(item),
            release.catalog.company(item), release.catalog.data_format(item), release.catalog.cover_image(item),
            release.catalog.card(item)}) {
        for (const char c : text) sum += static_cast<unsigned char>(c);
      }
      for (const std::int32_t tag : release.catalog.tags(item)) sum += release.catalog.tag_name(tag).size();
      EXPECT_EQ(release.catalog.find(release.catalog.id(item)), item);
      read_row(release.behavior.row(item));
      read_row(release.behavior_influence.row(item));
      read_row(release.content.row(item));
      read_row(release.popular_by_category.row(static_cast<std::size_t>(release.catalog.category_number(item))));
    }
    read_row(release.popular.row(0));
    for (std::size_t w = 0; w < models::kTrendingWindows; ++w) read_row(release.trending.row(w));
    for (std::size_t t = 0; t < release.text.tokens.size(); ++t) {
      for (std::size_t p = release.text.offsets[t]; p < release.text.offsets[t + 1]; ++p)
        sum += release.catalog.title(release.text.items[p]).size();
    }
    for (std::size_t u = 0; u < release.users.size(); ++u) {
      EXPECT_EQ(release.users.find(release.users.id(u)), u);
      for (const ItemIndex item : release.users.history(u)) read_row(release.behavior_influence.row(item));
      EXPECT_EQ(release.users.history(u).size(), release.users.history_weights(u).size());
      for (const ItemIndex item : release.users.owned(u)) sum += release.catalog.title(item).size();
    }
    EXPECT_GT(sum, 0U);
  }

  /// Makes every page that there is; each must keep its promises whatever the numbers say.
  void make_all_pages(const models::Release& release) {
    const auto n = static_cast<ItemIndex>(release.catalog.n_items());
    for (const engine::PageKind kind : {engine::PageKind::kSimilar, engine::PageKind::kDetail, engine::PageKind::kUser,
                                        engine::PageKind::kTrending, engine::PageKind::kSearch}) {
      for (ItemIndex item = 0; item < n; ++item) {
        for (std::size_t user = 0; user <= release.users.size(); ++user) {
          engine::PageRequest request;
          request.kind = kind;
          if (kind == engine::PageKind::kSimilar || kind == engine::PageKind::kDetail) request.item = item;
          if (user < release.users.size()) request.user = release.users.id(user);
          request.query_tokens = query_;
          request.filter = item % 2 == 0 ? &filter_ : nullptr;
          engine::recommend(release, request, scratch_, page_);
          float above = 1;
          for (const engine::PageItem& placed : page_.items) {
            ASSERT_TRUE(placed.item >= 0 && placed.item < n);
            ASSERT_TRUE(placed.score >= 0 && placed.score <= above) << placed.score << " below " << above;
            above = placed.score;
          }
        }
        if (kind == engine::PageKind::kUser || kind == engine::PageKind::kTrending || kind == engine::PageKind::kSearch) break;
      }
    }
  }

  TemporaryFolder folder_;
  fs::path bundle_;
  std::map<std::string, std::string> files_;
  engine::Filter filter_ =
      engine::Filter::parse(R"(not (price<3 or title has "data" and tags has "air quality" or company in ("company 1")))");
  std::vector<std::uint64_t> query_ = [] {
    std::vector<std::uint64_t> tokens;
    engine::query_tokens("weather traffic air population 气象 data statistics", tokens);
    return tokens;
  }();
  engine::Scratch scratch_;
  engine::Page page_;
};

TEST_F(DamagedReleaseTest, flipped_bytes_under_good_hashes_are_refused_or_safe) {
  std::size_t opened = 0;
  std::size_t refused = 0;
  for (const auto& [name, bytes] : files_) {
    if (name == "manifest.sha256") continue;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ (1U << i % 8));
      if (name == "manifest.json") {
        sign(damaged);
      } else {
        replace_and_sign(name, damaged);
      }
      ++(open_and_read_all() ? opened : refused);
    }
    restore(name);
  }
  // Texts and prices may say anything; offsets, numbers and headers may not. Both happen often.
  EXPECT_GT(opened, 500U);
  EXPECT_GT(refused, 500U);
}

TEST_F(DamagedReleaseTest, extreme_values_under_good_hashes_are_refused_or_safe) {
  // The places of 4 bytes hold what breaks arithmetic: all ones is -1, the largest offset and a NaN; 0x7f800000 is an infinity.
  for (const auto& [name, bytes] : files_) {
    if (!name.ends_with(".safetensors")) continue;
    const std::size_t header = 8 + static_cast<unsigned char>(bytes[0]) + 256U * static_cast<unsigned char>(bytes[1]);
    for (std::size_t i = header; i + 4 <= bytes.size(); i += 4) {
      for (const std::string_view value :
           {std::string_view("\xff\xff\xff\xff", 4), std::string_view("\0\0\x80\x7f", 4), std::string_view("\0\0\0\x80", 4)}) {
        std::string damaged = bytes;
        damaged.replace(i, 4, value);
        replace_and_sign(name, damaged);
        (void)open_and_read_all();
      }
    }
    restore(name);
  }
}

TEST_F(DamagedReleaseTest, cut_files_under_good_hashes_are_refused) {
  for (const auto& [name, bytes] : files_) {
    if (!name.ends_with(".safetensors")) continue;
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      replace_and_sign(name, bytes.substr(0, n));
      EXPECT_FALSE(open_and_read_all()) << name << " cut to " << n;
    }
    restore(name);
  }
}

}  // namespace
}  // namespace lodestone
