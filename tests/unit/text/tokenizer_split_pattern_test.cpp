// The matchers written for published patterns against ICU's engine on random and adversarial text, and what both must
// make of Oniguruma's syntax (expected values: the `tokenizers` library 0.23.3).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "base/error.h"
#include "base/utf8.h"
#include "engine/text/split_pattern.h"
#include "engine/text/split_pattern_program.h"
#include "engine/text/tokenizer_gguf_patterns.h"

namespace candor::text {
namespace {

using testing::ElementsAre;

std::vector<Span> find_all(const SplitPattern& pattern, std::string_view text) {
  std::vector<Span> spans;
  pattern.finder()->find_all(text, spans);
  return spans;
}

std::vector<std::string> matches(std::string_view pattern, std::string_view text) {
  std::vector<std::string> found;
  for (const Span& span : find_all(SplitPattern::regex(pattern, "test"), text))
    found.emplace_back(text.substr(span.begin, span.end - span.begin));
  return found;
}

/// Characters where the published patterns part ways: cases, contractions, every kind of white space, marks, numbers
/// that are no digits, CJK, astral letters, unassigned and invisible characters.
const std::vector<std::string>& alphabet() {
  static const std::vector<std::string> all = {"a",        "b",
                                               "s",        "t",
                                               "r",        "e",
                                               "v",        "m",
                                               "l",        "d",
                                               "S",        "T",
                                               "R",        "E",
                                               "L",        "D",
                                               "Z",        "'",
                                               "'",        "'",
                                               "\xc5\xbf", "K",
                                               "é",        "É",
                                               "ǅ",        "ʰ",
                                               "ß",        "中",
                                               "文",       "の",
                                               "ア",       "가",
                                               "א",        "ا",
                                               "𐐀",        "𝔘",
                                               "\xcc\x81", "\xe0\xa4\x83",
                                               "1",        "2",
                                               "٣",        "Ⅻ",
                                               "²",        "½",
                                               " ",        " ",
                                               " ",        "\t",
                                               "\n",       "\r",
                                               "\r\n",     "\x0b",
                                               "\x0c",     "\xc2\x85",
                                               "\xc2\xa0", "\u1680",
                                               "\u2003",   "\u2028",
                                               "\u3000",   "\x1c",
                                               "\u200b",   "\u200d",
                                               "\ufeff",   ".",
                                               ",",        "!",
                                               "-",        "/",
                                               "(",        "]",
                                               "_",        "$",
                                               "+",        "<",
                                               "^",        "`",
                                               "|",        "~",
                                               "…",        "。",
                                               "“",        "€",
                                               "©",        "😀",
                                               "🏽",     "\u0378",
                                               "\ue000",   "\x01",
                                               "\x7f",     "\u212a"};
  return all;
}

std::string random_text(std::mt19937& random) {
  std::string text;
  const std::size_t length = random() % 24;
  const std::size_t favourite = random() % alphabet().size();
  for (std::size_t i = 0; i < length; ++i)
    text += alphabet()[random() % 3 == 0 ? favourite : random() % alphabet().size()];
  return text;
}

const std::vector<std::string>& adversarial_texts() {
  static const std::vector<std::string> all = {"",
                                               " ",
                                               "  ",
                                               "\n",
                                               " \n",
                                               "\n ",
                                               " \n ",
                                               " \n  a",
                                               "\n\n \n\n",
                                               "a\n",
                                               "a \n b",
                                               "\r\n\r\n",
                                               "   a",
                                               "   \ta",
                                               "a   ",
                                               "I'm don'T we'LL they'RE 'S 'ſ 'x ''s",
                                               "'s's",
                                               "AAAa",
                                               "AAaAA",
                                               "aAaA",
                                               "中AAAA",
                                               "AAAA中",
                                               "AAAA中a",
                                               "́a",
                                               " ́a",
                                               "́",
                                               "A\xcc\x81"
                                               "B",
                                               "iPhoneXs'LL",
                                               "HTTPServer's",
                                               "12345678",
                                               " 12 345",
                                               "1a2b",
                                               "...\n\n/x",
                                               "!/\r\n/ a",
                                               "$a",
                                               "#include",
                                               "a.b.C",
                                               "\u3000。\u3000a",
                                               "x\u3000。",
                                               "  \n  \n  x",
                                               "x  \n  \n",
                                               "\n\n\n",
                                               "a\t\n\tb",
                                               "\xc2\xa0"
                                               "a",
                                               "\xc2\x85\xc2\x85"
                                               "a"};
  return all;
}

class WrittenMatchers : public testing::TestWithParam<std::string> {};

TEST_P(WrittenMatchers, FindWhatTheGeneralEngineFinds) {
  const SplitPattern written = SplitPattern::regex(GetParam(), "test");
  const SplitPattern general = SplitPattern::general_regex(GetParam(), "test");
  ASSERT_TRUE(written.is_specialised());
  ASSERT_FALSE(general.is_specialised());
  for (const std::string& text : adversarial_texts())
    EXPECT_EQ(find_all(written, text), find_all(general, text)) << text;
  std::mt19937 random(20240517);
  for (int i = 0; i < 4000; ++i) {
    const std::string text = random_text(random);
    ASSERT_EQ(find_all(written, text), find_all(general, text)) << '"' << text << '"';
  }
}

std::vector<std::string> written_patterns() {
  std::vector<std::string> patterns;
  const auto add = [&](std::string_view pattern) {
    const bool is_new = std::find(patterns.begin(), patterns.end(), pattern) == patterns.end();
    if (is_new && SplitPattern::regex(pattern, "test").is_specialised()) patterns.emplace_back(pattern);
  };
  for (const std::string& name : gguf_pretokenizer_names())
    for (const std::string_view pattern : find_gguf_pretokenizer(name)->patterns) add(pattern);
  // Spellings met elsewhere: llama.cpp's, tiktoken's, and parts that tokenizer.json files use alone.
  add("(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| "
      "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+");
  add("'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+");
  add("'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|"
      "\\s+(?!\\S)|\\s+");
  add(" {2,}");
  add("\\s+");
  add("[^\\s]+");
  add("\\p{N}{2}");
  return patterns;
}

INSTANTIATE_TEST_SUITE_P(Published, WrittenMatchers, testing::ValuesIn(written_patterns()),
                         [](const auto& instance) { return "pattern" + std::to_string(instance.index); });

TEST(SplitPattern, ModelsOfTheKnownFamiliesNeedNoGeneralEngine) {
  for (const char* name : {"gpt-2", "smollm", "llama-bpe", "qwen2", "qwen35", "deepseek-llm", "deepseek-coder",
                           "deepseek-v3", "gpt-4o", "tekken", "olmo", "starcoder", "command-r"})
    for (const std::string_view pattern : find_gguf_pretokenizer(name)->patterns)
      EXPECT_TRUE(SplitPattern::regex(pattern, "test").is_specialised()) << name << ": " << pattern;
}

TEST(SplitPattern, KnowsAPatternWhetherItsControlCharactersAreEscapedOrNot) {
  const std::string escaped(find_gguf_pretokenizer("llama-bpe")->patterns[0]);
  std::string raw;
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    if (escaped.compare(i, 2, "\\r") == 0 || escaped.compare(i, 2, "\\n") == 0)
      raw += escaped[++i] == 'r' ? '\r' : '\n';
    else
      raw += escaped[i];
  }
  EXPECT_TRUE(SplitPattern::regex(raw, "test").is_specialised());
  EXPECT_EQ(find_all(SplitPattern::regex(raw, "test"), "a\n b"),
            find_all(SplitPattern::regex(escaped, "test"), "a\n b"));
}

TEST(SplitPattern, WhiteSpaceIsTheProperty) {
  EXPECT_THAT(matches("\\s+", "a\x1c\xc2\x85\u1680\u200b\u2028 b"), ElementsAre("\xc2\x85\u1680", "\u2028 "));
  EXPECT_THAT(matches("(?:\\s)+", "a\x1c\xc2\x85\u1680\u200b\u2028 b"), ElementsAre("\xc2\x85\u1680", "\u2028 "));
}

TEST(SplitPattern, WordCharactersAreOnigurumas) {
  EXPECT_THAT(matches("\\w+", "é_a\u200d١²Ⅻ\xcc\x81 ⓐ\xe0\xa4\x83"),
              ElementsAre("é_a", "١²Ⅻ\xcc\x81", "ⓐ\xe0\xa4\x83"));
}

TEST(SplitPattern, AnchorsMatchAtEveryLineAndOnlyLineFeedsEndOne) {
  EXPECT_THAT(matches("a$", "a\nba"), ElementsAre("a", "a"));
  EXPECT_THAT(matches("^b", "a\nba"), ElementsAre("b"));
  EXPECT_THAT(matches("(?:.)+",
                      "a\nb\rc\u2028"
                      "d"),
              ElementsAre("a",
                          "b\rc\u2028"
                          "d"));
  EXPECT_THAT(matches("(?m:.)+", "a\nb"), ElementsAre("a\nb"));
}

TEST(SplitPattern, CaseFoldingKnowsTheLongS) {
  EXPECT_THAT(matches("(?i:'s)", "'ſ'S"), ElementsAre("'ſ", "'S"));
}

TEST(SplitPattern, HexadecimalDigitsIntersectionsAndPossessives) {
  EXPECT_THAT(matches("\\h+", "xyzaf09"), ElementsAre("af09"));
  EXPECT_THAT(matches("[a-z&&[^b]]+", "abc"), ElementsAre("a", "c"));
  EXPECT_THAT(matches("a++b", "aab"), ElementsAre("aab"));
  EXPECT_THAT(matches("\\p{L}\\p{^L}", "a1b"), ElementsAre("a1"));
  EXPECT_THAT(matches("[[:punct:]]+", "a$+<=>^~|`!"), ElementsAre("$+<=>^~|`!"));
}

TEST(SplitPattern, EmptyMatchesCutButNotRightAfterAMatch) {
  EXPECT_EQ(find_all(SplitPattern::regex("\\b", "test"), "ab cd"), (std::vector<Span>{{0, 0}, {2, 2}, {3, 3}, {5, 5}}));
  EXPECT_EQ(find_all(SplitPattern::regex("x*", "test"), "axxb"), (std::vector<Span>{{0, 0}, {1, 3}, {4, 4}}));
}

TEST(SplitPattern, RefusesWhatIsNoRegularExpression) {
  EXPECT_THROW(SplitPattern::regex("(a", "test"), Error);
  EXPECT_THROW(SplitPattern::regex("[a", "test"), Error);
}

TEST(SplitPattern, ExponentialBacktrackingEndsInAnError) {
  const SplitPattern pattern = SplitPattern::regex("(a+)+$b|(a|aa)+$c", "test");
  EXPECT_THROW(find_all(pattern, std::string(5000, 'a') + "!"), Error);
}

TEST(SplitPattern, EveryWrittenMatcherIsLinear) {
  // Half a megabyte of what makes backtracking engines quadratic: long runs that fail at their end.
  for (const std::string& pattern : written_patterns()) {
    const SplitPattern written = SplitPattern::regex(pattern, "test");
    for (const char* unit : {" ", "\n", "A", "a", "1", ".", "中", "\xcc\x81", " \n", "'"}) {
      std::string text;
      while (text.size() < (1u << 19)) text += unit;
      text += "\x01";
      const auto begin = std::chrono::steady_clock::now();
      find_all(written, text);
      // Linear takes milliseconds, quadratic minutes; the bound only has to tell these apart.
      EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5)) << pattern << " on '" << unit << "'";
    }
  }
}

}  // namespace
}  // namespace candor::text
