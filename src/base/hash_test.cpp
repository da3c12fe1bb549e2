#include "base/hash.hpp"

#include <gtest/gtest.h>

#include "base/rng.hpp"

namespace lodestone {
namespace {

// FIPS 180-4 examples.
TEST(Hash, sha256_equals_the_published_vectors) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_prefix("abc"), 0xba7816bf8f01cfeaULL);
}

TEST(Hash, pieces_hash_like_the_whole) {
  Sha256 hash;
  hash.update("a");
  hash.update("");
  hash.update("bc");
  EXPECT_EQ(to_hex(hash.finish()), sha256_hex("abc"));
}

TEST(Rng, is_the_same_everywhere_and_uniform) {
  Rng a(42);
  Rng b(42);
  Rng other(42, 1);
  EXPECT_EQ(a.next(), b.next());
  EXPECT_NE(a.next(), other.next());
  double sum = 0;
  int counts[7] = {};
  Rng rng(1);
  for (int i = 0; i < 70000; ++i) {
    sum += rng.uniform();
    ++counts[rng.below(7)];
  }
  EXPECT_NEAR(sum / 70000, 0.5, 0.005);
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);
}

TEST(Rng, normal_and_exponential_have_their_moments) {
  Rng rng(3);
  double sum = 0;
  double squares = 0;
  double waits = 0;
  for (int i = 0; i < 100000; ++i) {
    const double x = rng.normal();
    sum += x;
    squares += x * x;
    waits += rng.exponential(5);
  }
  EXPECT_NEAR(sum / 1e5, 0, 0.02);
  EXPECT_NEAR(squares / 1e5, 1, 0.03);
  EXPECT_NEAR(waits / 1e5, 5, 0.1);
}

}  // namespace
}  // namespace lodestone
