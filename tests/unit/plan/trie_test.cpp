#include "engine/plan/trie.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace candor::plan {
namespace {

using Sequences = std::vector<std::vector<std::int32_t>>;

TokenTrie build(const Sequences& sequences, bool share = true) {
  const std::vector<std::span<const std::int32_t>> views(sequences.begin(), sequences.end());
  return TokenTrie(views, share);
}

/// The tokens from the root to the end of a sequence, read back through the segments.
std::vector<std::int32_t> path(const TokenTrie& trie, std::size_t sequence) {
  std::vector<std::int32_t> tokens;
  std::int32_t rows = trie.end(sequence).offset + 1;
  for (std::int32_t i = trie.end(sequence).segment; i >= 0;) {
    const Segment& segment = trie.segments()[static_cast<std::size_t>(i)];
    for (std::int32_t k = rows - 1; k >= 0; --k)
      tokens.push_back(trie.tokens()[static_cast<std::size_t>(segment.first_row + k)]);
    i = segment.parent;
    if (i >= 0) rows = trie.segments()[static_cast<std::size_t>(i)].rows;
  }
  return {tokens.rbegin(), tokens.rend()};
}

void expect_sound(const TokenTrie& trie, const Sequences& sequences) {
  std::int64_t row = 0;
  for (std::size_t i = 0; i < trie.segments().size(); ++i) {
    const Segment& segment = trie.segments()[i];
    EXPECT_EQ(segment.first_row, row);
    EXPECT_GT(segment.rows, 0);
    EXPECT_LT(segment.parent, static_cast<std::int32_t>(i));
    if (segment.parent < 0) {
      EXPECT_EQ(segment.start, 0);
    } else {
      const Segment& parent = trie.segments()[static_cast<std::size_t>(segment.parent)];
      EXPECT_EQ(segment.start, parent.start + parent.rows);
    }
    row += segment.rows;
  }
  EXPECT_EQ(row, trie.rows());
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    ASSERT_EQ(path(trie, i), sequences[i]);
    for (std::size_t k = 0; k < sequences[i].size(); ++k)
      ASSERT_EQ(trie.tokens()[static_cast<std::size_t>(trie.row_of(i, static_cast<std::int64_t>(k)))], sequences[i][k]);
    EXPECT_EQ(trie.row_of(i, static_cast<std::int64_t>(sequences[i].size()) - 1), trie.last_row(i));
  }
  for (std::size_t i = 1; i < trie.order().size(); ++i)
    EXPECT_LE(trie.last_row(static_cast<std::size_t>(trie.order()[i - 1])),
              trie.last_row(static_cast<std::size_t>(trie.order()[i])));
}

std::size_t distinct_prefixes(const Sequences& sequences) {
  std::set<std::vector<std::int32_t>> prefixes;
  for (const auto& sequence : sequences)
    for (std::size_t n = 1; n <= sequence.size(); ++n)
      prefixes.emplace(sequence.begin(), sequence.begin() + static_cast<std::ptrdiff_t>(n));
  return prefixes.size();
}

TEST(TokenTrie, HoldsOneRowPerDistinctPrefix) {
  const Sequences sequences = {{1, 2, 3, 4}, {1, 2, 5}, {1, 2, 3, 4, 6}, {7}, {1, 2}};
  const TokenTrie trie = build(sequences);
  expect_sound(trie, sequences);
  EXPECT_EQ(trie.rows(), 7);
}

TEST(TokenTrie, KeepsEqualSequencesOnOnePath) {
  const Sequences sequences = {{1, 2}, {1, 2}, {1, 2}};
  const TokenTrie trie = build(sequences);
  expect_sound(trie, sequences);
  EXPECT_EQ(trie.rows(), 2);
}

TEST(TokenTrie, SharesNothingWhenTold) {
  const Sequences sequences = {{1, 2}, {1, 2}, {1, 3}};
  const TokenTrie trie = build(sequences, false);
  expect_sound(trie, sequences);
  EXPECT_EQ(trie.rows(), 6);
}

TEST(TokenTrie, IsSoundForRandomSequencesAndCuts) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    Sequences sequences(1 + random() % 12);
    for (auto& sequence : sequences) {
      sequence.resize(1 + random() % 10);
      for (auto& token : sequence) token = static_cast<std::int32_t>(random() % 2);
    }
    TokenTrie trie = build(sequences);
    expect_sound(trie, sequences);
    EXPECT_EQ(static_cast<std::size_t>(trie.rows()), distinct_prefixes(sequences));
    std::vector<std::int64_t> boundaries;
    const auto step = static_cast<std::int64_t>(1 + random() % 6);
    for (std::int64_t row = step; row < trie.rows(); row += step) boundaries.push_back(row);
    trie.cut_at(boundaries);
    expect_sound(trie, sequences);
    for (const Segment& segment : trie.segments())
      EXPECT_EQ(segment.first_row / step, (segment.first_row + segment.rows - 1) / step);
  }
}

}  // namespace
}  // namespace candor::plan
