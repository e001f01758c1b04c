#include "harness/request_run.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace candor::harness {
namespace {

TEST(DistinctPrefixes, SharedOnesCountOnce) {
  const std::vector<engine::TokenId> a{1, 2, 3}, b{1, 2, 4, 5}, c{1, 2};
  EXPECT_EQ(distinct_prefixes({a, b, c}), 5u);
}

TEST(DistinctPrefixes, EqualsTheSizeOfTheSetOfPrefixes) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::vector<engine::TokenId>> sequences(10);
    std::set<std::vector<engine::TokenId>> prefixes;
    for (auto& sequence : sequences) {
      sequence.resize(random() % 6);
      for (engine::TokenId& id : sequence) id = static_cast<engine::TokenId>(random() % 3);
      for (std::size_t length = 1; length <= sequence.size(); ++length)
        prefixes.emplace(sequence.begin(), sequence.begin() + static_cast<std::ptrdiff_t>(length));
    }
    EXPECT_EQ(distinct_prefixes({sequences.begin(), sequences.end()}), prefixes.size());
  }
}

}  // namespace
}  // namespace candor::harness
