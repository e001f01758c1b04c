#include "harness/progress.h"

#include <gmock/gmock.h>

namespace candor::harness {
namespace {

engine::Usage usage(std::uint64_t computed, std::uint64_t total) {
  engine::Usage usage;
  usage.tokens_computed = computed;
  usage.tokens_total = total;
  return usage;
}

TEST(ProgressLine, ShowsTokensRateAndTimeLeft) {
  EXPECT_EQ(progress_line("scoring", usage(12000, 24000), 3.0, 0),
            "scoring  12,000 of 24,000 tokens  4,000 tokens/s  3 s left");
}

TEST(ProgressLine, BarFillsByTheShareOfTokens) {
  EXPECT_THAT(progress_line("scoring", usage(50, 100), 0.0, 200),
              testing::HasSubstr("[###############...............]"));
}

TEST(ProgressLine, FitsTheTerminal) {
  for (const int width : {40, 60, 80, 120}) {
    const std::string line = progress_line("scoring", usage(12345678, 99999999), 100.0, width);
    if (line.find('[') != std::string::npos) {
      EXPECT_LT(line.size(), static_cast<std::size_t>(width));
    }
  }
}

TEST(ProgressLine, PromisesNoTimeBeforeAnythingIsComputed) {
  EXPECT_EQ(progress_line("scoring", usage(0, 100), 5.0, 0), "scoring  0 of 100 tokens");
}

TEST(Duration, IsReadable) {
  EXPECT_EQ(duration(0.2), "0 s");
  EXPECT_EQ(duration(59.6), "1 min 0 s");
  EXPECT_EQ(duration(200), "3 min 20 s");
  EXPECT_EQ(duration(7500), "2 h 5 min");
}

TEST(WithCommas, GroupsByThousands) {
  EXPECT_EQ(with_commas(7), "7");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
}

}  // namespace
}  // namespace candor::harness
