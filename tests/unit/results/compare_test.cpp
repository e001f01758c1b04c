#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "results/report.h"
#include "tests/unit/results/fixture.h"

namespace candor::results {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Documents 0, 1, ... of one task, with the values given.
std::int64_t add_run(Store& store, const Manifest& manifest, const std::string& task, const std::vector<double>& values,
                     const std::string& question = "q", const std::string& metric = "acc") {
  const std::int64_t run = store.begin_run(manifest);
  std::vector<Sample> samples;
  std::vector<Score> scores;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto doc = static_cast<std::int64_t>(i);
    samples.push_back({.task = task, .doc_id = doc, .input = Dict{{"question", question + std::to_string(i)}}});
    scores.push_back({.task = task, .doc_id = doc, .metric = metric, .filter = "none", .value = values[i]});
  }
  store.put_samples(run, samples);
  store.put_scores(run, scores);
  store.finish_run(run, "finished", {});
  return run;
}

Manifest other_model() {
  Manifest manifest = small_manifest();
  manifest.model = "big";
  manifest.model_fingerprint = "f2";
  return manifest;
}

/// 20 documents: right in both 6, only in the first 2, only in the second 8, in neither 4.
std::vector<double> first_values() {
  return {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
}
std::vector<double> second_values() {
  return {1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0};
}

const Value& only_comparison(const Value& comparison) {
  return comparison.find("comparisons")->list().at(0);
}
const Value& row(const Value& comparison, std::size_t i) {
  return only_comparison(comparison).find("metrics")->list().at(i);
}
std::string warnings_of(const Value& comparison) {
  std::string text;
  for (const Value& warning : only_comparison(comparison).find("warnings")->list()) text += warning.text() + "\n";
  return text;
}

TEST(Comparison, PairsBinaryScoresByDocument) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  add_run(store, small_manifest(), "arc", first_values());
  add_run(store, other_model(), "arc", second_values());
  const Value comparison = compare_runs(store, {1, 2});
  const Value& acc = row(comparison, 0);
  EXPECT_EQ(acc.find("n")->integer(), 20);
  EXPECT_DOUBLE_EQ(acc.find("baseline")->real(), 0.4);
  EXPECT_DOUBLE_EQ(acc.find("other")->real(), 0.7);
  EXPECT_NEAR(acc.find("difference")->real(), 0.3, 1e-15);
  // By hand: 2 (P(X < 2) + P(X = 2) / 2) for X of 10 tosses = 2 (1 + 10 + 22.5) / 1024.
  EXPECT_NEAR(acc.find("p")->real(), 0.0654296875, 1e-12);
  EXPECT_EQ(acc.find("test")->text(), "mcnemar_mid_p");
  EXPECT_LT(acc.find("low")->real(), 0.3);
  EXPECT_GT(acc.find("high")->real(), 0.3);
  EXPECT_EQ(*acc.find("up"), Value(Value::List{8, 9, 10, 11, 12, 13, 14, 15}));
  EXPECT_EQ(*acc.find("down"), Value(Value::List{6, 7}));
  EXPECT_EQ(warnings_of(comparison), "");
}

TEST(Comparison, EqualRunsShowNoDifferenceButNoCertaintyEither) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  add_run(store, small_manifest(), "arc", first_values());
  add_run(store, other_model(), "arc", first_values());
  const Value comparison = compare_runs(store, {1, 2});
  EXPECT_EQ(row(comparison, 0).find("difference")->real(), 0.0);
  EXPECT_EQ(row(comparison, 0).find("p")->real(), 1.0);
  EXPECT_LT(row(comparison, 0).find("low")->real(), 0.0);
  EXPECT_GT(row(comparison, 0).find("high")->real(), 0.0);
}

TEST(Comparison, FlipsSignsOfGradedScores) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  add_run(store, small_manifest(), "f1", {0.1, 0.2, 0.3, 0.4, 0.5});
  add_run(store, other_model(), "f1", {0.2, 0.3, 0.5, 0.6, 0.9});
  const Value comparison = compare_runs(store, {1, 2});
  EXPECT_EQ(row(comparison, 0).find("test")->text(), "sign_flip");
  EXPECT_DOUBLE_EQ(row(comparison, 0).find("p")->real(), 2.0 / 32);  // 2 of the 2^5 sign patterns are as extreme
  EXPECT_TRUE(row(comparison, 0).find("low")->is_null());            // too few documents for a normal interval
}

TEST(Comparison, TreatsPromptsOfOneItemAsOne) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  for (int model = 0; model < 2; ++model) {
    const std::int64_t run = store.begin_run(model == 0 ? small_manifest() : other_model());
    std::vector<Sample> samples;
    std::vector<Score> scores;
    for (int doc = 0; doc < 40; ++doc) {  // 4 sensitive items asked in ten ways
      samples.push_back({.task = "china",
                         .doc_id = doc,
                         .input = Dict{{"item", "item" + std::to_string(doc / 10)},
                                       {"role", "sensitive"},
                                       {"language", doc % 2 == 0 ? "en" : "zh"}}});
      scores.push_back({.task = "china", .doc_id = doc, .metric = "form", .filter = "judge", .value = 1.0 * model});
    }
    store.put_samples(run, samples);
    store.put_scores(run, scores);
  }
  const Value comparison = compare_runs(store, {1, 2});
  ASSERT_EQ(only_comparison(comparison).find("metrics")->list().size(), 3u);
  EXPECT_EQ(row(comparison, 0).find("group")->text(), "sensitive");
  EXPECT_EQ(row(comparison, 1).find("group")->text(), "sensitive, en");
  EXPECT_EQ(row(comparison, 0).find("n")->integer(), 40);
  EXPECT_DOUBLE_EQ(row(comparison, 0).find("p")->real(), 2.0 / 16);  // four items, not forty answers
}

TEST(Comparison, SaysWhatElseDiffers) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  add_run(store, small_manifest(), "arc", first_values());
  Manifest manifest = other_model();
  manifest.options = Dict{{"limit", 21}, {"seed", 1234}, {"num_fewshot", 8}};
  manifest.data = Dict{{"arc.jsonl", "bb"}};
  manifest.version = "0.2.0";
  std::vector<double> longer = second_values();
  longer.push_back(1);
  add_run(store, manifest, "arc", longer, "another ");
  const std::string warnings = warnings_of(compare_runs(store, {1, 2}));
  EXPECT_THAT(warnings, HasSubstr("different options: limit, num_fewshot"));
  EXPECT_THAT(warnings, HasSubstr("the data differs: arc.jsonl"));
  EXPECT_THAT(warnings, HasSubstr("different versions: 0.1.0 and 0.2.0"));
  EXPECT_THAT(warnings, HasSubstr("prompts of arc differ in 20 of 20"));
  EXPECT_THAT(warnings, HasSubstr("1 scores are in one run only"));
}

TEST(Comparison, RefusesRunsWithNothingInCommon) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  add_run(store, small_manifest(), "arc", {1, 0});
  add_run(store, other_model(), "gsm8k", {1, 0});
  EXPECT_THAT(error_of([&] {
                compare_runs(store, {1, 2});
              }),
              HasSubstr("runs 1 and 2 have no scored sample in common"));
  EXPECT_THAT(error_of([&] { compare_runs(store, {1}); }), HasSubstr("two runs or more"));
}

TEST(Comparison, SetsFindingsSideBySide) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  for (const auto& [manifest, effect] : {std::pair{small_manifest(), 0.1}, std::pair{other_model(), 0.6}}) {
    const std::int64_t run = add_run(store, manifest, "china", {1, 0});
    store.put_findings(run, {{.probe = "china",
                              .measure = "refusal",
                              .topic = "all",
                              .language = "zh",
                              .effect = effect,
                              .p_adjusted = effect > 0.5 ? 0.001 : 0.4}});
  }
  const Value comparison = compare_runs(store, {1, 2});
  const Value& finding = only_comparison(comparison).find("findings")->list().at(0);
  EXPECT_DOUBLE_EQ(finding.find("difference")->real(), 0.5);
  EXPECT_THAT(comparison_table(comparison, {}), HasSubstr("+10.0"));
}

TEST(ComparisonTable, FitsTheTerminalAndColoursOnlyWhenAsked) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  add_run(store, small_manifest(), "arc", first_values());
  add_run(store, other_model(), "arc", second_values());
  const Value comparison = compare_runs(store, {1, 2});
  const std::string plain = comparison_table(comparison, {.colour = false, .columns = 100});
  EXPECT_THAT(plain, HasSubstr("Run 2 (big) against run 1 (tiny)"));
  EXPECT_THAT(plain, HasSubstr("+0.3000"));
  EXPECT_THAT(plain, HasSubstr("8/2"));
  EXPECT_THAT(plain, Not(HasSubstr("\x1b")));
  EXPECT_THAT(comparison_table(comparison, {.colour = true}), HasSubstr("\x1b[1m"));
}

}  // namespace
}  // namespace candor::results
