#include "bundle/trial.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/error.hpp"
#include "bundle/store.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone::bundle {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kId = "b-20261124T093000Z-1a2b3c4d";

std::string failure_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.message();
  }
  return "no failure";
}

TEST(TrialFile, reads_what_it_wrote) {
  for (const TrialMode mode : {TrialMode::kRollout, TrialMode::kShadow}) {
    const Trial trial{std::string(kId), mode, 0.125, "run \"7\""};
    EXPECT_EQ(parse_trial(format_trial(trial), "TRIAL"), trial);
    const Trial limited{std::string(kId), mode, 0.125, "", 0.1, 2.5};
    EXPECT_EQ(parse_trial(format_trial(limited), "TRIAL"), limited);
  }
}

TEST(TrialFile, says_what_cannot_be_used) {
  const auto of = [](const std::string& text) { return failure_of([&] { (void)parse_trial(text, "TRIAL"); }); };
  const std::string id(kId);
  EXPECT_THAT(of("{"), HasSubstr("TRIAL"));
  EXPECT_THAT(of("{}"), HasSubstr("\"id\" is no text; remove the file"));
  EXPECT_THAT(of(R"({"id":"../x"})"), HasSubstr("\"../x\" is no bundle id"));
  EXPECT_THAT(of(R"({"id":")" + id + R"(","mode":"x"})"), HasSubstr("neither rollout nor shadow"));
  for (const char* share : {"0", "-1", "1.5", "null", "\"1\""})
    EXPECT_THAT(of(R"({"id":")" + id + R"(","mode":"shadow","share":)" + share + "}"), HasSubstr("share is not above 0"));
  EXPECT_THAT(of(R"({"id":")" + id + R"(","mode":"rollout","share":1,"run_id":"","max_drop":-1})"),
              HasSubstr("max_drop is no number from 0 on"));
}

TEST(TrialOfAStore, is_kept_until_it_ends_and_its_bundle_with_it) {
  TemporaryFolder folder;
  const BundleStore store(folder.path() / "bundles");
  std::vector<std::string> ids;
  for (int minute = 0; minute < 4; ++minute) {
    BundleInfo info = test::sample_info();
    info.created += std::chrono::minutes(minute);
    ids.push_back(pack(test::sample_release({.n_items = 8}), info, store.folder()));
  }
  store.publish(ids[2]);
  store.publish(ids[3]);
  EXPECT_EQ(store.trial(), std::nullopt);
  store.end_trial();  // of none: nothing happens
  const Trial trial{ids[0], TrialMode::kShadow, 1, ""};
  store.start_trial(trial);
  EXPECT_EQ(store.trial(), trial);
  EXPECT_TRUE(store.list().back().is_trial);
  EXPECT_EQ(store.prune(1), std::vector<std::string>{ids[1]});
  EXPECT_THAT(failure_of([&] {
                store.start_trial({ids[3], TrialMode::kShadow, 1, ""});
              }),
              HasSubstr("is the current one already"));
  EXPECT_THAT(failure_of([&] { store.start_trial({std::string(kId), TrialMode::kShadow, 1, ""}); }), HasSubstr("is not in"));
  EXPECT_EQ(store.trial(), trial);
  store.end_trial();
  EXPECT_EQ(store.trial(), std::nullopt);
}

}  // namespace
}  // namespace lodestone::bundle
