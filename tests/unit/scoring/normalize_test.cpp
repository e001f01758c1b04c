#include "scoring/normalize.h"

#include <gtest/gtest.h>
#include <unicode/normalizer2.h>
#include <unicode/unistr.h>

#include <chrono>
#include <string>

#include "base/json.h"
#include "base/utf8.h"
#include "shared_data.h"

namespace candor::scoring {
namespace {

using Origins = std::vector<std::uint32_t>;

// unicode/cases.jsonl of the shared reference data: Python's unicodedata and regex, agreed with ICU.
TEST(Normalize, AgreesWithTheReferenceCases) {
  const auto path = shared_file("golden_text/unicode/cases.jsonl");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "not checked: normalisation against " << path.filename();
  int cases = 0;
  read_json_lines(path, [&](const Value& value, const std::string& where) {
    const std::string& input = value.find("input")->text();
    const std::string& expected = value.find("normalized")->text();
    EXPECT_EQ(normalize(input).text, expected) << where;
    EXPECT_EQ(normalized_text(input), expected) << where;
    EXPECT_EQ(normalized_text(expected) == expected, value.find("idempotent")->boolean()) << where;
    ++cases;
  });
  EXPECT_GT(cases, 200);
}

TEST(Normalize, OriginHasOneEntryPerByteAndOnePastTheEnd) {
  const Normalized n = normalize("  A\u00a0\u00a0b ");
  EXPECT_EQ(n.text, "a b");
  EXPECT_EQ(n.origin, (Origins{2, 3, 7, 8}));
}

TEST(Normalize, OriginOfNothing) {
  EXPECT_EQ(normalize("").origin, (Origins{0}));
  EXPECT_EQ(normalize(" \u200b ").text, "");
  EXPECT_EQ(normalize(" \u200b ").origin, (Origins{0}));
}

TEST(Normalize, OriginSkipsRemovedCharacters) {
  const Normalized n = normalize("c\u200ba\u200bn");
  EXPECT_EQ(n.text, "can");
  EXPECT_EQ(n.origin, (Origins{0, 4, 8, 9}));
}

// Full-width I, apostrophe, m: three bytes each.
TEST(Normalize, OriginOfFullWidthLettersIsTheirFirstByte) {
  const Normalized n = normalize("\uff29\uff07\uff4d");
  EXPECT_EQ(n.text, "i'm");
  EXPECT_EQ(n.origin, (Origins{0, 3, 6, 9}));
}

TEST(Normalize, EveryByteOfAnExpansionComesFromTheSameCharacter) {
  const Normalized n = normalize("x\ufb00\u00dfy");  // x ﬀ ß y
  EXPECT_EQ(n.text, "xffssy");
  EXPECT_EQ(n.origin, (Origins{0, 1, 1, 4, 4, 6, 7}));
}

// e, acute (class 230), cedilla (class 202): the cedilla comes first and joins the e.
TEST(Normalize, ASegmentComesFromItsFirstByteHoweverItWasReordered) {
  const Normalized n = normalize("ae\u0301\u0327z");
  EXPECT_EQ(n.text, "a\u0229\u0301z");
  EXPECT_EQ(n.origin, (Origins{0, 1, 1, 1, 1, 6, 7}));
}

TEST(Normalize, MarksJoinAcrossRemovedCharacters) {
  const Normalized n = normalize("e\u200b\u0301!");
  EXPECT_EQ(n.text, "\u00e9!");
  EXPECT_EQ(n.origin, (Origins{0, 0, 6, 7}));
}

TEST(Normalize, HangulLettersComposeToASyllable) {
  const Normalized n = normalize("\u1112\u1161\u11ab\u1100\u1173\u11af");
  EXPECT_EQ(n.text, "\ud55c\uae00");
  EXPECT_EQ(n.origin, (Origins{0, 0, 0, 9, 9, 9, 18}));
}

// U+00A8 DIAERESIS is space + U+0308 under NFKC.
TEST(Normalize, SpacesThatNfkcMakesCollapseToo) {
  EXPECT_EQ(normalize("a \u00a8b").text, "a \u0308b");
}

TEST(Normalize, BadBytesAreRepairedAndMapToWhereTheyStood) {
  const Normalized n = normalize("a\xffz");
  EXPECT_EQ(n.text, "a\ufffdz");
  EXPECT_EQ(n.origin, (Origins{0, 1, 1, 1, 2, 3}));
  for (const std::string bytes :
       {"\xf1\x80\x80\xe1\x80\xc2", "\xed\xa0\x80", "\xc0\xaf", "\xf4\x91\x92\x93", "\xe1\x80"})
    EXPECT_EQ(normalize(bytes).text, repair_utf8(bytes));
}

TEST(Normalize, OriginalSpanCoversWholeSegments) {
  const std::string text = "a\ufb00b";  // a ﬀ b
  const Normalized n = normalize(text);
  ASSERT_EQ(n.text, "affb");
  EXPECT_EQ(original_span(n, 1, 2), (std::pair{1u, 4u}));
  EXPECT_EQ(original_span(n, 0, 1), (std::pair{0u, 1u}));
  EXPECT_EQ(original_span(n, 3, 4), (std::pair{4u, 5u}));
}

/// ICU's own normaliser over the whole text, then folding: slower, and quadratic on hostile marks.
std::string by_icu(const std::u32string& text) {
  icu::UnicodeString source;
  for (const char32_t c : text) source.append(static_cast<UChar32>(c));
  UErrorCode status = U_ZERO_ERROR;
  icu::UnicodeString result = icu::Normalizer2::getNFKCInstance(status)->normalize(source, status);
  result.foldCase();
  std::string bytes;
  result.toUTF8String(bytes);
  return bytes;
}

TEST(Normalize, AgreesWithIcuOnEveryCodePointThatIsNoSpaceAndNotIgnorable) {
  for (char32_t c = 1; c < 0x30000; ++c) {
    if ((c >= 0xd800 && c < 0xe000) || u_isUWhiteSpace(static_cast<UChar32>(c)) ||
        u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_DEFAULT_IGNORABLE_CODE_POINT))
      continue;
    const std::string expected = by_icu(std::u32string(1, c));
    if (expected.find(' ') != std::string::npos) continue;
    std::string text;
    append_utf8(text, c);
    ASSERT_EQ(normalized_text(text), expected) << "U+" << std::hex << static_cast<std::uint32_t>(c);
  }
}

TEST(Normalize, AgreesWithIcuOnRandomSequencesOfStartersAndMarks) {
  const std::u32string alphabet =
      U"aeoAEO\u0300\u0301\u0308\u0323\u0327\u0345\u05b0\u0591\u1100\u1161\u11a8\uac00\u0915\u093c\u0958\u09c7\u09be"
      U"\u0dd9\u0dcf\u0dca\u3046\u3099\uff76\uff9e\u0041\u030a\u212b\u1e9b\u0f71\u0f72\u0f74\u1fb3\U0001d15e\U00011131"
      U"\U00011127";
  std::uint32_t state = 12345;
  for (int round = 0; round < 20000; ++round) {
    std::u32string text;
    state = state * 1664525u + 1013904223u;
    const std::uint32_t length = 1 + (state >> 24) % 12;
    for (std::uint32_t i = 0; i < length; ++i) {
      state = state * 1664525u + 1013904223u;
      text += alphabet[(state >> 16) % alphabet.size()];
    }
    std::string bytes;
    for (const char32_t c : text) append_utf8(bytes, c);
    ASSERT_EQ(normalized_text(bytes), by_icu(text)) << bytes;
  }
}

// One letter and marks of two classes by turns: an insertion sort would take hours. No clock: it ends, or the run does
// not.
TEST(Normalize, MillionsOfMarksOnOneLetterTakeLinearTime) {
  constexpr std::size_t kPairs = 2'000'000;
  std::string text = "q";
  for (std::size_t i = 0; i < kPairs; ++i) text += "\u0301\u0323";
  const Normalized n = normalize(text);
  EXPECT_EQ(n.text.size(), 1 + 4 * kPairs);
  EXPECT_EQ(n.text.substr(0, 5), "q\u0323\u0323");
  EXPECT_EQ(n.text.substr(n.text.size() - 4), "\u0301\u0301");
  EXPECT_EQ(n.origin.size(), n.text.size() + 1);
}

TEST(Normalize, MillionsOfRemovedCharactersLeaveNothing) {
  std::string text;
  for (int i = 0; i < 2'000'000; ++i) text += "\u200b";
  EXPECT_EQ(normalize(text).text, "");
}

TEST(ScriptShares, AgreeWithTheReferenceCases) {
  const auto path = shared_file("golden_text/unicode/scripts.jsonl");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "not checked: scripts against " << path.filename();
  read_json_lines(path, [&](const Value& value, const std::string& where) {
    const auto shares = script_shares(value.find("text")->text());
    const Dict& expected = value.find("scripts")->dict();
    EXPECT_EQ(shares.size(), expected.size()) << where;
    for (const auto& [script, share] : shares) {
      const Value* found = expected.find(script);
      ASSERT_NE(found, nullptr) << where << " " << script;
      EXPECT_NEAR(share, found->real(), 5e-7) << where << " " << script;
    }
  });
}

TEST(ScriptShares, LargestFirstAndTiesByName) {
  const auto shares = script_shares("aб\u4e2d\u4e2d");
  ASSERT_EQ(shares.size(), 3u);
  EXPECT_EQ(shares[0].first, "Han");
  EXPECT_EQ(shares[1].first, "Cyrillic");
  EXPECT_EQ(shares[2].first, "Latin");
}

}  // namespace
}  // namespace candor::scoring
