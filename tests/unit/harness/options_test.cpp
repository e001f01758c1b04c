#include "harness/options.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "harness/task_options.h"

namespace candor::harness {
namespace {

TEST(ParseSize, UnitsArePowersOf1024) {
  EXPECT_EQ(parse_size("8G", "--memory"), 8ull << 30);
  EXPECT_EQ(parse_size("512M", "--memory"), 512ull << 20);
  EXPECT_EQ(parse_size("1.5GiB", "--memory"), 3ull << 29);
  EXPECT_EQ(parse_size("2kB", "--memory"), 2048u);
}

TEST(ParseSize, PlainNumberIsBytes) {
  EXPECT_EQ(parse_size("1000000", "--memory"), 1000000u);
}

TEST(ParseSize, RefusesWhatIsNoSize) {
  for (const char* text : {"", "G", "8X", "8GG", "-1G", "0", "nan", "inf", "1e300", "8 G"})
    EXPECT_THROW(parse_size(text, "--memory"), Error) << text;
}

TEST(ParseShard, CountsFromOne) {
  const Shard shard = parse_shard("2/4");
  EXPECT_EQ(shard.index, 2);
  EXPECT_EQ(shard.count, 4);
}

TEST(ParseShard, RefusesWhatIsNoShard) {
  for (const char* text : {"", "1", "0/4", "5/4", "1/0", "-1/4", "1/4x", "a/b", "1 /4"})
    EXPECT_THROW(parse_shard(text), Error) << text;
}

TEST(Shard, EveryDocumentBelongsToExactlyOneShard) {
  for (std::size_t document = 0; document < 20; ++document) {
    int owners = 0;
    for (int i = 1; i <= 3; ++i) owners += Shard{i, 3}.has(document) ? 1 : 0;
    EXPECT_EQ(owners, 1) << document;
  }
}

TEST(GenerationKwargs, ReadsPairsWithTypes) {
  const Value kwargs = parse_generation_kwargs("temperature=0.8,do_sample=True,until=END,max_gen_toks=64");
  EXPECT_EQ(kwargs, Value(Dict{{"temperature", 0.8}, {"do_sample", true}, {"until", "END"}, {"max_gen_toks", 64}}));
}

TEST(GenerationKwargs, ReadsAJsonObject) {
  EXPECT_EQ(parse_generation_kwargs(R"({"until": ["a", "b"]})"), Value(Dict{{"until", Value::List{"a", "b"}}}));
}

TEST(GenerationKwargs, RefusesWhatIsNoPair) {
  EXPECT_THROW(parse_generation_kwargs("temperature"), Error);
}

}  // namespace
}  // namespace candor::harness
