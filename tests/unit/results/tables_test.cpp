#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "results/figures.h"
#include "results/report.h"
#include "results/text_display.h"
#include "results/text_table.h"
#include "tests/unit/results/fixture.h"

namespace candor::results {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(TerminalText, WideCharactersTakeTwoColumnsAndMarksNone) {
  EXPECT_EQ(terminal_width("abc"), 3);
  EXPECT_EQ(terminal_width("天安门"), 6);
  EXPECT_EQ(terminal_width("e\u0301"), 1);
  EXPECT_EQ(terminal_width("مرحبا"), 5);
  EXPECT_EQ(terminal_width("ﾊﾝ"), 2);  // half-width katakana
}

TEST(TerminalText, IsCutAtCharactersNotBytes) {
  EXPECT_EQ(fitted("天安门广场", 10), "天安门广场");
  EXPECT_EQ(fitted("天安门广场", 8), "天安门…");
  EXPECT_EQ(fitted("abcdef", 4), "abc…");
}

TEST(TerminalText, NamesWhatCannotBeSeen) {
  EXPECT_EQ(terminal_text("a\x1b[31mred\nline"), "a<U+001B>[31mred line");
  EXPECT_EQ(terminal_text("a\u202E\u200Bb\xff"), "a<U+202E><U+200B>b<0xFF>");
  EXPECT_EQ(terminal_text("👩‍👩‍👧 نمی‌خواهم"),
            "👩‍👩‍👧 نمی‌خواهم");  // joiners are part of these
}

TEST(TextTable, AlignsByColumnsNotBytes) {
  TextTable table({{"topic"}, {"rate", Align::kRight}, {"x"}});
  table.add({"天安门", "5 %", "|"});
  table.add({"abc", "100 %", "|"});
  EXPECT_EQ(table.render({}),
            "topic    rate  x\n"
            "天安门    5 %  |\n"
            "abc     100 %  |\n");
}

TEST(TextTable, GivesWayToTheTerminal) {
  TextTable table({{"name"}, {"n", Align::kRight}});
  table.add({std::string(90, 'a'), "12345"});
  EXPECT_EQ(table.render({.columns = 40}),
            "name                                   n\n" + std::string(32, 'a') + "…  12345\n");
}

TEST(Figures, ReadAsPeopleWriteThem) {
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(grouped(-1234), "-1,234");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(p_text(0.0004), "<0.001");
  EXPECT_EQ(points_text(-0.0001), "+0.0");
  EXPECT_EQ(points_interval_text(0.01, 0.245), "[+1.0, +24.5]");
  EXPECT_EQ(rate_text(0, 0), "–");
}

TEST(Findings, NothingFoundSaysWhatCouldHaveBeenMissed) {
  const FindingRow row{.probe = "p", .measure = "refusal", .topic = "all", .language = "all", .low = -0.1, .high = 0.1};
  // (1.95996 + 0.84162) / 1.95996 × 0.1 = 0.1429
  EXPECT_THAT(findings_summary({row}), HasSubstr("Nothing found: none of 1 differences"));
  EXPECT_THAT(findings_summary({row}), HasSubstr("below 15 percentage points"));
}

/// Two topics in two languages; of the sensitive Chinese prompts of "politics" one of two is refused.
std::int64_t add_audit(Store& store) {
  Manifest manifest = small_manifest();
  manifest.kind = "audit";
  const std::int64_t run = store.begin_run(manifest);
  std::vector<Sample> samples;
  std::vector<Score> scores;
  std::int64_t doc = 0;
  for (const char* topic : {"history", "politics"})
    for (const char* language : {"en", "zh"})
      for (const char* role : {"sensitive", "control"})
        for (int item = 0; item < 2; ++item, ++doc) {
          const bool refused = std::string(topic) == "politics" && language[0] == 'z' && role[0] == 's' && item == 0;
          samples.push_back({.task = "china",
                             .doc_id = doc,
                             .input = Dict{{"topic", topic}, {"language", language}, {"role", role}}});
          scores.push_back({.task = "china",
                            .doc_id = doc,
                            .metric = "form",
                            .filter = "judge",
                            .value = refused ? 1.0 : 0.0,
                            .detail = Dict{{"form", refused ? "refused" : "candid"}}});
        }
  store.put_samples(run, samples);
  store.put_scores(run, scores);
  return run;
}

TEST(RunTable, ShowsTheAuditByTopicAndLanguage) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  const std::string table = run_table(store, add_audit(store), {});
  EXPECT_THAT(table, HasSubstr("topic            all         en          zh\n"));
  EXPECT_THAT(table, HasSubstr("all       12 % : 0 %  0 % : 0 %  25 % : 0 %\n"));
  EXPECT_THAT(table, HasSubstr("politics  25 % : 0 %  0 % : 0 %  50 % : 0 %\n"));
}

TEST(RunSummary, CountsFormsByTopicLanguageAndRole) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  const Value summary = run_summary(store, add_audit(store));
  EXPECT_EQ(summary.find("samples")->integer(), 16);
  ASSERT_EQ(summary.find("audit")->list().size(), 9u);  // (all, history, politics) × (all, en, zh)
  const Value& last = summary.find("audit")->list().back();
  EXPECT_EQ(*last.find("sensitive"),
            Value(Dict{{"n", 2}, {"refused", 1}, {"forms", Dict{{"candid", 1}, {"refused", 1}}}}));
  EXPECT_EQ(*last.find("control"), Value(Dict{{"n", 2}, {"refused", 0}, {"forms", Dict{{"candid", 2}}}}));
}

TEST(RunsTable, FitsEightyColumnsWithLongAndHostileNames) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  Manifest manifest = small_manifest();
  manifest.model = "Qwen3-非常长的名字-" + std::string(60, 'x') + "\x1b]0;title\x07";
  store.begin_run(manifest);
  const std::string table = runs_table(store, {.columns = 80});
  EXPECT_THAT(table, Not(HasSubstr("\x1b")));
  for (std::size_t begin = 0; begin < table.size(); begin = table.find('\n', begin) + 1)
    EXPECT_LE(terminal_width(table.substr(begin, table.find('\n', begin) - begin)), 80);
}

}  // namespace
}  // namespace candor::results
