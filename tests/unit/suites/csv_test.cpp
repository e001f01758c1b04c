// Splitting as pandas' C parser does it (pandas.read_csv with dtype=str, keep_default_na=False).

#include "suites/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace candor::suites {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Row = std::vector<std::string>;

TEST(Csv, QuotesMayHoldSeparatorsLineEndsAndDoubledQuotes) {
  const CsvTable table = parse_csv("a,b\n\"x, \"\"y\"\"\",\"1\n2\"\n", {}, "t.csv");
  EXPECT_THAT(table.columns, ElementsAre("a", "b"));
  EXPECT_THAT(table.rows, ElementsAre(Row{"x, \"y\"", "1\n2"}));
}

TEST(Csv, AQuoteInsideACellIsOrdinary) {
  EXPECT_THAT(parse_csv("a\n5\" nail\n", {}, "t.csv").rows, ElementsAre(Row{"5\" nail"}));
}

TEST(Csv, CellsStayText) {
  EXPECT_THAT(parse_csv("a,b,c\n007,NA,True\n", {}, "t.csv").rows, ElementsAre(Row{"007", "NA", "True"}));
}

TEST(Csv, ReportsColumnsThatPandasWouldAlter) {
  const CsvTable table = parse_csv("zip,n,flag,word\n007,1,True,NA\n012,2,False,b\n", {}, "t.csv");
  EXPECT_THAT(columns_pandas_would_alter(table, true), ElementsAre("zip", "flag", "word"));
  EXPECT_THAT(columns_pandas_would_alter(table, false), ElementsAre("zip", "flag"));
}

TEST(Csv, NamesUnnamedAndRepeatedColumns) {
  EXPECT_THAT(parse_csv(",a,a\n1,2,3\n", {}, "t.csv").columns, ElementsAre("Unnamed: 0", "a", "a.1"));
}

TEST(Csv, BlankLinesAndTheByteOrderMarkAreSkippedAndAllLineEndsCount) {
  const CsvTable table = parse_csv(
      "\xEF\xBB\xBF"
      "a,b\r\n\r\n1,2\r3,4\n",
      {}, "t.csv");
  EXPECT_THAT(table.columns, ElementsAre("a", "b"));
  EXPECT_THAT(table.rows, ElementsAre(Row{"1", "2"}, Row{"3", "4"}));
}

TEST(Csv, ColumnNamesMeanThereIsNoHeader) {
  CsvOptions options;
  options.separator = '\t';
  options.column_names = {"q", "a"};
  EXPECT_THAT(parse_csv("1\t2\n", options, "t.tsv").rows, ElementsAre(Row{"1", "2"}));
  options.header = 0;
  EXPECT_THAT(parse_csv("x\ty\n1\t2\n", options, "t.tsv").rows, ElementsAre(Row{"1", "2"}));
}

TEST(Csv, HeaderNullNumbersTheColumns) {
  CsvOptions options;
  options.no_header = true;
  EXPECT_THAT(parse_csv("x,y\n", options, "t.csv").columns, ElementsAre("0", "1"));
}

TEST(Csv, ShortRowsAreFilledAndLongOnesAreErrorsWithTheirLine) {
  EXPECT_THAT(parse_csv("a,b\n1\n", {}, "t.csv").rows, ElementsAre(Row{"1", ""}));
  try {
    parse_csv("a,b\n\"1\n\",2\n1,2,3\n", {}, "t.csv");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("t.csv:4"));
  }
}

TEST(Csv, AnOpenQuoteNamesTheLineItStartsOn) {
  try {
    parse_csv("a\nb\n\"c\n\n", {}, "t.csv");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("t.csv:3"));
  }
}

}  // namespace
}  // namespace candor::suites
