// Our own inputs and what CPython 3.11 makes of them: python_cases.jsonl beside this file.
#include <gtest/gtest.h>

#include <functional>

#include "base/json.h"
#include "engine/text/python.h"

namespace candor::text {
namespace {

/// Calls `use` for each row that has the member; says how many had.
std::size_t for_rows_with(std::string_view key, const std::function<void(const Value& row, const Value& given)>& use) {
  std::size_t rows = 0;
  read_json_lines(std::string(CANDOR_SOURCE_DIR) + "/tests/unit/text/python_cases.jsonl",
                  [&](const Value& row, const std::string&) {
                    const Value* given = row.find(key);
                    if (given == nullptr) return;
                    use(row, *given);
                    ++rows;
                  });
  return rows;
}

void expect_mapping(std::string_view name, std::string (*mapping)(std::string_view)) {
  const std::size_t rows = for_rows_with("text", [&](const Value& row, const Value& text) {
    EXPECT_EQ(mapping(text.text()), row.find(name)->text()) << name << " of " << repr(text);
  });
  EXPECT_GT(rows, 20u);
}

TEST(PythonText, LowerMapsFinalSigma) {
  expect_mapping("lower", lower);
}
TEST(PythonText, UpperMapsOneCharacterToSeveral) {
  expect_mapping("upper", upper);
}
TEST(PythonText, TitleBeginsAfterWhatIsNotCased) {
  expect_mapping("title", title);
}
TEST(PythonText, CapitalizeLowersTheRest) {
  expect_mapping("capitalize", capitalize);
}

TEST(PythonText, StripTakesUnicodeWhiteSpace) {
  for_rows_with("text", [](const Value& row, const Value& text) {
    EXPECT_EQ(strip(text.text()), row.find("strip")->text());
    EXPECT_EQ(lstrip(text.text()), row.find("lstrip")->text());
    EXPECT_EQ(rstrip(text.text()), row.find("rstrip")->text());
  });
}

TEST(PythonText, DigitsAreThoseOfAllScripts) {
  for_rows_with("text", [](const Value& row, const Value& text) {
    EXPECT_EQ(is_digit(text.text()), row.find("is_digit")->boolean()) << repr(text);
  });
}

TEST(PythonRepr, QuotesAndEscapesTexts) {
  for_rows_with("text", [](const Value& row, const Value& text) { EXPECT_EQ(repr(text), row.find("repr")->text()); });
}

TEST(PythonRepr, WritesValuesAsPython) {
  const std::size_t rows = for_rows_with("value", [](const Value& row, const Value& value) {
    EXPECT_EQ(repr(value), row.find("repr")->text());
    EXPECT_EQ(str(value), row.find("str")->text());
  });
  EXPECT_GT(rows, 20u);
}

TEST(PythonLiteral, ReadsWhatLiteralEvalReads) {
  const std::size_t rows = for_rows_with("literal", [](const Value& row, const Value& literal) {
    const auto value = literal_eval(literal.text());
    const Value* means = row.find("means");
    ASSERT_EQ(value.has_value(), means != nullptr) << repr(literal);
    // Compared as written: 1, 1.0 and True are equal but not the same.
    if (means != nullptr) {
      EXPECT_EQ(repr(*value), repr(*means)) << repr(literal);
    }
  });
  EXPECT_GT(rows, 100u);
}

TEST(PythonLiteral, RefusesWhatNoValueCanHold) {
  for (const char* literal : {"1j", "{1, 2}", "..."}) EXPECT_FALSE(literal_eval(literal)) << literal;
}

}  // namespace
}  // namespace candor::text
