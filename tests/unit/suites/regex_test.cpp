// Expected values: CPython 3.11's re.findall and re.sub.

#include "suites/regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace candor::suites {
namespace {

using testing::ElementsAre;
using Groups = std::vector<std::string>;

std::vector<Groups> find_all(const char* pattern, const char* text) {
  return Regex(pattern).find_all(text);
}

TEST(Regex, WithoutGroupsGivesWholeMatches) {
  EXPECT_THAT(find_all("[0-9]+", "a1b22"), ElementsAre(Groups{"1"}, Groups{"22"}));
}

TEST(Regex, SeveralGroupsGiveEachWithEmptyTextForUnset) {
  EXPECT_THAT(find_all(R"((-?[$0-9.,]{2,})|(-?[0-9]+))", "$1,000 or 7"),
              ElementsAre(Groups{"$1,000", ""}, Groups{"", "7"}));
}

TEST(Regex, LooksBehindAndAhead) {
  EXPECT_THAT(find_all("(?<=the answer is )(.*)(?=.)", "so the answer is No."), ElementsAre(Groups{"No"}));
}

TEST(Regex, LooksForAMatchAtThePlaceOfAnEmptyOne) {
  EXPECT_THAT(find_all(R"(\b|:+)", "a::bc"), ElementsAre(Groups{""}, Groups{""}, Groups{"::"}, Groups{""}, Groups{""}));
  EXPECT_THAT(find_all("a*", "aab"), ElementsAre(Groups{"aa"}, Groups{""}, Groups{""}));
}

TEST(Regex, NamedGroupsAreGroups) {
  EXPECT_THAT(find_all(R"((?P<first_letter>[a-z])(?P=first_letter))", "abba"), ElementsAre(Groups{"b"}));
}

TEST(Regex, DotExcludesOnlyTheLineFeed) {
  EXPECT_THAT(find_all("a.",
                       "a\ra\xE2\x80\xA8"
                       "a\n"),
              ElementsAre(Groups{"a\r"}, Groups{"a\xE2\x80\xA8"}));
  EXPECT_THAT(find_all("(?s)a.", "a\n"), ElementsAre(Groups{"a\n"}));
}

TEST(Regex, DollarMatchesBeforeAFinalLineFeedAndBackslashZDoesNot) {
  EXPECT_EQ(find_all("b$", "ab\n").size(), 1u);
  EXPECT_EQ(find_all(R"(b\Z)", "ab\n").size(), 0u);
  EXPECT_EQ(find_all("b$", "ab\r").size(), 0u);
}

TEST(Regex, WordCharactersAreLettersNumbersAndUnderscoresOfAllScripts) {
  EXPECT_THAT(find_all(R"(\w+)", "naïve_½ 答案, x\u0301"),
              ElementsAre(Groups{"naïve_½"}, Groups{"答案"}, Groups{"x"}));  // a combining mark is none
}

TEST(Regex, SpaceIncludesTheInformationSeparators) {
  EXPECT_THAT(find_all(R"(\s)", "\x1c\u00a0\u3000x"), ElementsAre(Groups{"\x1c"}, Groups{"\u00a0"}, Groups{"\u3000"}));
}

TEST(Regex, BracketsHoldNoSetOperators) {
  EXPECT_THAT(find_all("[a-c&&b]", "a&d"), ElementsAre(Groups{"a"}, Groups{"&"}));
  EXPECT_THAT(find_all("[[a]", "[a"), ElementsAre(Groups{"["}, Groups{"a"}));
  EXPECT_THAT(find_all("[]a]", "]"), ElementsAre(Groups{"]"}));
}

TEST(Regex, BracesThatAreNoRepeatAreLiteral) {
  EXPECT_THAT(find_all(R"(\\boxed{(.*)})", R"(\boxed{B})"), ElementsAre(Groups{"B"}));
  EXPECT_THAT(find_all("x{,2}y", "xxxy"), ElementsAre(Groups{"xxy"}));
}

TEST(Regex, IgnoringCaseFoldsSingleCharacters) {
  EXPECT_THAT(find_all("(?i)ß", "ß SS ẞ"), ElementsAre(Groups{"ß"}, Groups{"ẞ"}));
}

TEST(Regex, RemovesAsSubDoes) {
  EXPECT_EQ(Regex("(?s).*#### ").remove_all("a\nb #### 7"), "7");
  EXPECT_EQ(Regex(R"(\.$)").remove_all("1.5."), "1.5");
}

TEST(Regex, BadPatternsAreErrors) {
  for (const char* pattern : {"(", ")", "[a", "*a", "a**", R"(\q)", "(?P<a>x)(?P<a>y)", R"(\2)", "[z-a]", "a(?i)b",
                              R"([\w-z])", "^*", "(?(1)a|b)"})
    EXPECT_THROW(Regex{pattern}, RegexError) << pattern;
}

TEST(Regex, EndlessBacktrackingIsBounded) {
  const std::string text(5000, 'a');
  EXPECT_THROW(Regex("(a|aa)+$").find_all(text + "b"), RegexError);
}

TEST(Regex, EscapesAsPythonDoes) {
  EXPECT_EQ(regex_escape("a.b (c) é #1"), R"(a\.b\ \(c\)\ é\ \#1)");
}

}  // namespace
}  // namespace candor::suites
