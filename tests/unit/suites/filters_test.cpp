// Expected values: lm_eval/filters of lm-evaluation-harness 0.4.13, run on the same responses.

#include "suites/filters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace candor::suites {
namespace {

using testing::HasSubstr;

Value apply(const FilterPipeline& pipeline, Value::List responses, const Dict& document = {}) {
  Value value = std::move(responses);
  for (const FilterFunction& filter : build_filters(pipeline, "task.yaml")) value = filter(std::move(value), document);
  return value;
}

TEST(Filters, RegexStripsTheSelectedMatchAndFallsBack) {
  const FilterPipeline last{"f", {{"regex", Dict{{"regex_pattern", "([a-z] ?)"}, {"group_select", -1}}}}};
  EXPECT_EQ(apply(last, {"1 x y 2", "3"}), Value(Value::List{"y", "[invalid]"}));
}

TEST(Filters, MultiChoiceRegexTriesThePatternThenTheChoicesThenALetter) {
  const Dict document{{"choices", Value::List{"Guilty", "Guilty of Romance", "the  Sun.", "Don't know"}}};
  const FilterPipeline pipeline{"f",
                                {{"multi_choice_regex", Dict{{"regex_pattern", "\\(([A-Z])\\)|([A-Z])\\)"},
                                                             {"ignore_case", true},
                                                             {"ignore_punctuation", true},
                                                             {"regexes_to_ignore", Value::List{"the "}}}}}};
  EXPECT_EQ(
      apply(pipeline,
            {"I say (B).", "C) it is", "guilty, of romance!", "It is GUILTY", "The sun", "dont know", "Answer: D",
             "answer:\n B", "nothing", ": Z", ""},
            document),
      Value(Value::List{"B", "C", "(B)", "(A)", "sun", "(D)", "(D)", "(B)", "[invalid]", "[invalid]", "[invalid]"}));
}

TEST(Filters, BehindTakeFirstATextIsASequenceOfCharacters) {
  const FilterPipeline pipeline{"f",
                                {{"take_first", Dict()},
                                 {"map", Dict{{"mapping_dict", Dict{{"A", "1"}}}, {"default_value", "0"}}},
                                 {"take_first", Dict()}}};
  EXPECT_EQ(apply(pipeline, {"A"}), Value("1"));
  EXPECT_EQ(apply(pipeline, {"[invalid]"}), Value("0"));
}

TEST(Filters, MajorityVoteGivesTheFirstSeenOfTies) {
  const FilterPipeline pipeline{"f", {{"majority_vote", Dict()}, {"take_first", Dict()}}};
  EXPECT_EQ(apply(pipeline, {"b", "a", "a", "b"}), Value("b"));
}

TEST(Filters, TakeFirstKNeedsAsManyResponses) {
  const FilterPipeline pipeline{"f", {{"take_first_k", Dict{{"k", 2}}}}};
  EXPECT_EQ(apply(pipeline, {"1", "2", "3"}), Value(Value::List{"1", "2"}));
  EXPECT_THROW(apply(pipeline, {"1"}), Error);
}

TEST(Filters, LowercaseUppercaseAndStripAreUnicode) {
  EXPECT_EQ(apply({"f", {{"uppercase", Dict()}}}, {"straße"}), Value(Value::List{"STRASSE"}));
  EXPECT_EQ(apply({"f", {{"lowercase", Dict()}}}, {"ÉA"}), Value(Value::List{"éa"}));
  EXPECT_EQ(apply({"f", {{"remove_whitespace", Dict()}}}, {"\u3000x\n"}), Value(Value::List{"x"}));
}

TEST(Filters, AnUnknownFilterOrArgumentNamesTheNearest) {
  try {
    build_filters({"f", {{"take_frist", Dict()}}}, "task.yaml");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("'take_first'"));
  }
  try {
    build_filters({"f", {{"regex", Dict{{"regex_patern", "a"}}}}}, "task.yaml");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("'regex_pattern'"));
  }
}

}  // namespace
}  // namespace candor::suites
