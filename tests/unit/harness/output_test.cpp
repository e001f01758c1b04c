#include "harness/output.h"

#include <gtest/gtest.h>

namespace candor::harness {
namespace {

TEST(JsonTextLine, EscapesUnicodeLineEnds) {
  EXPECT_EQ(json_text_line(Value("a\u2028b\u2029c\u0085d")), "\"a\\u2028b\\u2029c\\u0085d\"\n");
}

TEST(JsonTextLine, LeavesOtherTextAsItIs) {
  EXPECT_EQ(json_text_line(Value("\u2027 \u00c5 \u4e2d")), "\"\u2027 \u00c5 \u4e2d\"\n");
}

}  // namespace
}  // namespace candor::harness
