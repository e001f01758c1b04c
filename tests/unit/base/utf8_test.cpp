#include "base/utf8.h"

#include <gtest/gtest.h>

namespace candor {
namespace {

// Unicode 15, chapter 3, table 3-8: "F1 80 80 E1 80 C2 62 80 63 80 BF 64" has six replacements.
TEST(Utf8, ReplacesEachMaximalSubpart) {
  EXPECT_EQ(repair_utf8("a\xf1\x80\x80\xe1\x80\xc2"
                        "b\x80"
                        "c\x80\xbf"
                        "d"),
            "a\ufffd\ufffd\ufffdb\ufffdc\ufffd\ufffdd");
}

// The same chapter, table 3-9 and 3-10: surrogates and overlong forms byte by byte.
TEST(Utf8, ReplacesSurrogatesAndOverlongFormsByteByByte) {
  EXPECT_EQ(repair_utf8("\xed\xa0\x80"), "\ufffd\ufffd\ufffd");
  EXPECT_EQ(repair_utf8("\xc0\xaf"), "\ufffd\ufffd");
  EXPECT_EQ(repair_utf8("\xf4\x91\x92\x93"), "\ufffd\ufffd\ufffd\ufffd");
}

TEST(Utf8, KeepsWellFormedText) {
  const std::string text = "aé漢😀";
  EXPECT_TRUE(is_utf8(text));
  EXPECT_EQ(repair_utf8(text), text);
  EXPECT_EQ(count_code_points(text), 4u);
}

TEST(Utf8, DecodesWhatItEncodes) {
  for (const char32_t c : {U'a', U'\u00e9', U'\u6f22', U'\U0001f600', U'\U0010ffff'}) {
    std::string text;
    append_utf8(text, c);
    std::size_t position = 0;
    EXPECT_EQ(next_code_point(text, position), c);
    EXPECT_EQ(position, text.size());
  }
}

}  // namespace
}  // namespace candor
