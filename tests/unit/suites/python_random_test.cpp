// Expected values: CPython 3.11, random.Random(seed).

#include "suites/python_random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace candor::suites {
namespace {

using testing::ElementsAre;

TEST(PythonRandom, SampleDrawsFromASetAndFromAPool) {
  PythonRandom random(1234);
  EXPECT_THAT(random.sample(200, 5), ElementsAre(199, 112, 29, 1, 23));
  EXPECT_THAT(random.sample(30, 8), ElementsAre(29, 25, 18, 1, 21, 22, 2, 3));
  const std::vector<std::size_t> many = random.sample(1000, 25);
  EXPECT_THAT((std::vector<std::size_t>(many.begin(), many.begin() + 6)), ElementsAre(784, 363, 242, 17, 31, 807));
  EXPECT_EQ(random.random(), 0.06456228097718608);
  EXPECT_EQ(random.random(), 0.5410881855511303);
}

TEST(PythonRandom, ChoicesAreScaledDraws) {
  PythonRandom random(42);
  std::vector<std::size_t> drawn;
  for (int i = 0; i < 6; ++i) drawn.push_back(random.choice(40));
  EXPECT_THAT(drawn, ElementsAre(25, 1, 11, 8, 29, 27));
}

TEST(PythonRandom, SeedsMayBeZeroOrLongerThan32Bits) {
  EXPECT_EQ(PythonRandom(0).random(), 0.8444218515250481);
  PythonRandom random((std::uint64_t{1} << 40) + 7);
  EXPECT_EQ(random.random(), 0.6137037779936511);
  EXPECT_THAT(random.sample(21, 5), ElementsAre(20, 18, 15, 8, 4));
}

}  // namespace
}  // namespace candor::suites
