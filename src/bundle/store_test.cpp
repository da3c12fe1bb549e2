#include "bundle/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>

#include "base/error.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone::bundle {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string failure_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return fmt::format("{}: {}", label(error.code()), error.message());
  }
  return "no failure";
}

void write(const fs::path& path, std::string_view text) { std::ofstream(path, std::ios::binary | std::ios::trunc) << text; }

class StoreTest : public ::testing::Test {
 protected:
  /// Packs a small release that was made `minute` minutes after the first.
  std::string add(int minute) {
    test::SampleOptions options;
    options.n_items = 8;
    options.seed = static_cast<std::uint64_t>(minute);
    BundleInfo info = test::sample_info();
    info.created += std::chrono::minutes(minute);
    return pack(test::sample_release(options), info, store_.folder());
  }
  std::string publish(int minute) {
    const std::string id = add(minute);
    store_.publish(id);
    return id;
  }
  void damage(const std::string& id) const { fs::resize_file(store_.folder() / id / "users.safetensors", 5); }
  [[nodiscard]] std::vector<std::string> listed() const {
    std::vector<std::string> out;
    for (const BundleEntry& entry : store_.list())
      out.push_back(entry.id + (entry.is_current ? "*" : "") + (entry.problem.empty() ? "" : "!"));
    return out;
  }

  TemporaryFolder folder_;
  BundleStore store_{folder_.path() / "bundles"};
};

TEST_F(StoreTest, is_empty_before_the_first_pack) {
  EXPECT_THAT(store_.list(), IsEmpty());
  EXPECT_EQ(store_.current(), std::nullopt);
  EXPECT_THAT(store_.prune(0), IsEmpty());
  EXPECT_THAT(failure_of([&] { (void)store_.open_current(); }),
              AllOf(HasSubstr("not_found: "), HasSubstr("no bundle was published yet; lodestone pipeline run")));
  EXPECT_THAT(failure_of([&] { store_.rollback(); }), HasSubstr("not_found: "));
}

TEST_F(StoreTest, lists_the_newest_first_and_marks_the_current) {
  const std::string a = publish(0);
  const std::string b = add(1);
  EXPECT_THAT(listed(), ElementsAre(b, a + "*"));
  const BundleEntry entry = store_.list().back();
  EXPECT_EQ(format_rfc3339(entry.created), "2026-11-24T09:30:00Z");
  EXPECT_EQ(entry.bytes, Manifest::load(store_.folder() / a).bytes());
}

TEST_F(StoreTest, publishing_replaces_current) {
  const std::string a = publish(0);
  const std::string b = publish(1);
  EXPECT_EQ(read_file(store_.folder() / "CURRENT"), b + "\n");
  EXPECT_EQ(store_.open_current()->release().id, b);
  EXPECT_EQ(store_.previous(), a);
}

TEST_F(StoreTest, a_damaged_bundle_is_not_published) {
  const std::string a = publish(0);
  const std::string b = add(1);
  damage(b);
  EXPECT_THAT(failure_of([&] { store_.publish(b); }), AllOf(HasSubstr("corrupt: "), HasSubstr("users.safetensors: has 5 bytes")));
  EXPECT_EQ(store_.current(), a);
  EXPECT_EQ(store_.previous(), std::nullopt);
}

TEST_F(StoreTest, rolls_back_to_what_was_published_before) {
  const std::string a = publish(0);
  const std::string b = publish(1);
  const std::string c = publish(2);
  EXPECT_EQ(store_.rollback(), b);
  EXPECT_EQ(store_.rollback(), a);
  EXPECT_THAT(failure_of([&] { store_.rollback(); }),
              AllOf(HasSubstr("not_found: "), HasSubstr("there is no sound bundle before " + a)));
  EXPECT_EQ(store_.current(), a);
}

TEST_F(StoreTest, a_release_that_was_rolled_back_is_not_gone_back_to) {
  const std::string good = publish(0);
  (void)publish(1);
  store_.rollback();
  const std::string next = publish(2);
  EXPECT_EQ(store_.current(), next);
  EXPECT_EQ(store_.rollback(), good);
}

TEST_F(StoreTest, rolls_back_to_a_given_bundle) {
  const std::string a = publish(0);
  (void)publish(1);
  (void)publish(2);
  EXPECT_EQ(store_.rollback(a), a);
  EXPECT_EQ(store_.current(), a);
  EXPECT_EQ(store_.previous(), std::nullopt);
  const std::string never_published = add(3);
  EXPECT_EQ(store_.rollback(never_published), never_published);
  EXPECT_EQ(store_.previous(), a);
}

TEST_F(StoreTest, passes_over_a_damaged_bundle_when_it_goes_back) {
  const std::string a = publish(0);
  const std::string b = publish(1);
  (void)publish(2);
  damage(b);
  EXPECT_EQ(store_.rollback(), a);
  EXPECT_THAT(failure_of([&] { store_.rollback(b); }), HasSubstr("corrupt: "));
  EXPECT_EQ(store_.current(), a);
}

TEST_F(StoreTest, goes_back_by_age_when_there_is_no_history) {
  const std::string a = add(0);
  const std::string b = publish(1);
  (void)add(2);
  fs::remove(store_.folder() / "HISTORY");
  EXPECT_EQ(store_.rollback(), a);
}

TEST_F(StoreTest, a_kill_between_history_and_current_loses_nothing) {
  const std::string a = publish(0);
  const std::string b = publish(1);
  const std::string c = add(2);
  // publish(c) had written HISTORY, and then the process died.
  write(store_.folder() / "HISTORY", a + "\n" + b + "\n" + c + "\n");
  EXPECT_EQ(store_.current(), b);
  EXPECT_EQ(store_.previous(), a);
  store_.publish(c);
  EXPECT_EQ(store_.previous(), b);
}

TEST_F(StoreTest, a_kill_between_pack_and_publish_leaves_the_old_release) {
  const std::string a = publish(0);
  const std::string b = add(1);  // packed and renamed; CURRENT was never written
  EXPECT_EQ(store_.open_current()->release().id, a);
  EXPECT_THAT(listed(), ElementsAre(b, a + "*"));
  store_.publish(b);
  EXPECT_EQ(store_.rollback(), a);
}

TEST_F(StoreTest, current_that_names_a_missing_bundle_says_the_way_out) {
  const std::string a = publish(0);
  const std::string b = publish(1);
  fs::remove_all(store_.folder() / b);
  EXPECT_THAT(
      failure_of([&] { (void)store_.open_current(); }),
      AllOf(HasSubstr("not_found: "), HasSubstr("CURRENT: names " + b + ", which is not there; lodestone bundle rollback")));
  EXPECT_EQ(store_.rollback(), a);
  EXPECT_EQ(store_.open_current()->release().id, a);
}

TEST_F(StoreTest, every_damaged_current_is_refused_and_can_be_left) {
  const std::string a = publish(0);
  const std::string text = a + "\n";
  std::vector<std::string> damaged;
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      damaged.push_back(text);
      damaged.back()[i] = static_cast<char>(static_cast<unsigned char>(text[i]) ^ (1U << bit));
    }
    damaged.push_back(text.substr(0, i));
  }
  damaged.push_back(text + "\n");
  for (const std::string& bad : damaged) {
    write(store_.folder() / "CURRENT", bad);
    const std::string failure = failure_of([&] { (void)store_.open_current(); });
    // A flipped digit names another bundle, which is not there; everything else is no id.
    EXPECT_THAT(failure, ::testing::AnyOf(AllOf(HasSubstr("corrupt: "), HasSubstr("CURRENT: holds no bundle id")),
                                          AllOf(HasSubstr("not_found: "), HasSubstr("CURRENT: names"))))
        << bad;
    EXPECT_THAT(listed(), ElementsAre(a)) << bad;
  }
  write(store_.folder() / "CURRENT", "nonsense");
  EXPECT_EQ(store_.rollback(), a);
  EXPECT_EQ(store_.open_current()->release().id, a);
}

TEST_F(StoreTest, an_id_of_a_client_never_becomes_a_path) {
  (void)publish(0);
  for (const char* id :
       {"", "..", "../bundles", "/etc", "CURRENT", ".new-20261124T093000Z", "b-20261124T093000Z-1a2b3c4d/../.."}) {
    EXPECT_THAT(failure_of([&] { store_.publish(id); }),
                AllOf(HasSubstr("invalid_argument: "), HasSubstr("is no bundle id; they look like b-")))
        << id;
    EXPECT_THAT(failure_of([&] { store_.rollback(id); }), HasSubstr("invalid_argument: ")) << id;
    EXPECT_THAT(failure_of([&] { (void)store_.diff(id, id); }), HasSubstr("invalid_argument: ")) << id;
  }
  EXPECT_THAT(failure_of([&] { store_.publish("b-20261124T093000Z-00000000"); }),
              AllOf(HasSubstr("not_found: "), HasSubstr("bundle list shows what is")));
}

TEST_F(StoreTest, prunes_all_but_the_newest_the_current_and_the_one_before) {
  const std::string a = publish(0);
  const std::string b = publish(1);
  const std::string c = publish(2);
  const std::string d = add(3);
  const std::string e = add(4);
  store_.rollback();  // b is current, a before it
  EXPECT_THAT(store_.prune(1), ElementsAre(d, c));
  EXPECT_THAT(listed(), ElementsAre(e, b + "*", a));
  EXPECT_THAT(store_.prune(0), ElementsAre(e));
  EXPECT_EQ(store_.rollback(), a);
}

TEST_F(StoreTest, prunes_nothing_while_current_is_damaged) {
  const std::string a = publish(0);
  const std::string b = publish(1);
  write(store_.folder() / "CURRENT", "nonsense\n");
  EXPECT_THAT(failure_of([&] { store_.prune(0); }), HasSubstr("corrupt: "));
  EXPECT_THAT(listed(), ElementsAre(b, a));
}

TEST_F(StoreTest, a_damaged_bundle_does_not_hide_the_others) {
  const std::string a = publish(0);
  const std::string b = add(1);
  write(store_.folder() / b / "manifest.json", "{}");
  EXPECT_THAT(listed(), ElementsAre(b + "!", a + "*"));
}

TEST_F(StoreTest, tells_what_changed_between_two_releases) {
  models::ReleaseData data = test::sample_release();
  const std::string a = pack(data, test::sample_info(), store_.folder());
  data.items.back().id = ItemId(raw(data.items.back().id) + 1);  // one gone, one new
  data.items[3].title += " (new)";
  data.items[4].is_available = !data.items[4].is_available;
  data.weights.content = 0.25;
  data.users.pop_back();
  data.item_users = {};  // it numbers users
  // The first item's only compared lists: its behaviour list goes, all others stay.
  BundleInfo info = test::sample_info();
  json::Value metrics;
  metrics.set("recall@10", json::Value(0.5));
  info.metrics = metrics;
  const std::string b = pack(data, info, store_.folder());
  const BundleDiff diff = store_.diff(a, b);
  EXPECT_EQ(diff.items_added, 1U);
  EXPECT_EQ(diff.items_removed, 1U);
  EXPECT_EQ(diff.items_changed, 2U);
  EXPECT_EQ(diff.lists_compared, 59U);
  EXPECT_EQ(diff.users_before, 20U);
  EXPECT_EQ(diff.users_after, 19U);
  EXPECT_GT(diff.behavior_kept, 0.9);  // but for the item that is gone
  EXPECT_LT(diff.behavior_kept, 1.0);
  std::vector<std::string> numbers;
  for (const NumberChange& change : diff.numbers)
    numbers.push_back(fmt::format("{} {} {}", change.name, change.before, change.after));
  EXPECT_THAT(numbers, ElementsAre("channel_weights.content 0.5 0.25", "counts.users 20 19", "metrics.ndcg@10 0.4434 nan",
                                   "metrics.recall@10 nan 0.5"));
  const BundleDiff same = store_.diff(a, a);
  EXPECT_EQ(same.behavior_kept, 1.0);
  EXPECT_EQ(same.items_changed, 0U);
  EXPECT_THAT(same.numbers, IsEmpty());
}

}  // namespace
}  // namespace lodestone::bundle
