#include "results/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <chrono>
#include <cmath>
#include <limits>

#include "base/file.h"
#include "tests/unit/results/fixture.h"

namespace candor::results {
namespace {

using ::testing::HasSubstr;

TEST(ResponseKey, IsTheDigestOfFingerprintAndSortedJson) {
  const Value request = Dict{{"prompt", "hi"}, {"options", Dict{{"b", 1}, {"a", Value::List{1.5, nullptr, true}}}}};
  EXPECT_EQ(response_key("model-1", request),
            sha256("model-1\n{\"options\":{\"a\":[1.5,null,true],\"b\":1},\"prompt\":\"hi\"}"));
}

TEST(ResponseKey, DoesNotDependOnTheOrderOfKeys) {
  EXPECT_EQ(response_key("m", Dict{{"a", 1}, {"b", 2}}), response_key("m", Dict{{"b", 2}, {"a", 1}}));
  EXPECT_NE(response_key("m", Dict{{"a", 1}, {"b", 2}}), response_key("m", Dict{{"a", 2}, {"b", 1}}));
  EXPECT_NE(response_key("m", Dict{{"a", 1}}), response_key("n", Dict{{"a", 1}}));
}

TEST(Store, KeepsARunsManifest) {
  const TemporaryFolder folder;
  std::int64_t id = 0;
  {
    Store store(folder.file("a.db"), Store::Mode::kWrite);
    id = store.begin_run(small_manifest());
    store.finish_run(id, "finished",
                     {.requests = 9, .reused = 4, .tokens_requested = 100, .tokens_computed = 7, .seconds = 0.1});
  }
  const Store store(folder.file("a.db"), Store::Mode::kRead);
  const results::Run run = store.run(id);
  EXPECT_EQ(run.manifest.model, "tiny");
  EXPECT_EQ(run.manifest.names, Value(Value::List{"arc"}));
  EXPECT_EQ(run.manifest.options, Value(Dict{{"limit", 20}, {"seed", 1234}}));
  EXPECT_EQ(run.manifest.machine, Value(Dict{{"threads", 2}}));
  EXPECT_EQ(run.manifest.notes, Value(Value::List{"3 prompts were cut"}));
  EXPECT_EQ(run.status, "finished");
  EXPECT_EQ(run.started.size(), std::string("2026-01-01T00:00:00Z").size());
  EXPECT_EQ(run.totals.reused, 4);
  EXPECT_EQ(run.totals.tokens_computed, 7);
  EXPECT_EQ(run.totals.seconds, 0.1);
  EXPECT_EQ(store.runs().size(), 1u);
}

TEST(Store, NamesTheRunsThereAre) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  EXPECT_THAT(error_of([&] { store.run(7); }), HasSubstr("holds no runs"));
  store.begin_run(small_manifest());
  store.begin_run(small_manifest());
  EXPECT_THAT(error_of([&] { store.run(7); }), HasSubstr("there is no run 7; there are: 1, 2"));
  EXPECT_THAT(error_of([&] { store.finish_run(7, "finished", {}); }), HasSubstr("there is no run 7"));
  EXPECT_THAT(error_of([&] { store.put_samples(7, {{.task = "arc"}}); }), HasSubstr("no such run"));
}

TEST(Store, FindsTheLatestUnfinishedRunOfTheSameIdentity) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  EXPECT_FALSE(store.unfinished_run(small_manifest()));
  store.begin_run(small_manifest());
  const std::int64_t second = store.begin_run(small_manifest());
  Manifest other = small_manifest();
  other.options = Dict{{"limit", 21}, {"seed", 1234}};
  store.begin_run(other);
  Manifest elsewhere = small_manifest();  // another machine, another name: the same run
  elsewhere.machine = Dict{{"threads", 64}};
  elsewhere.model = "renamed";
  elsewhere.options = Dict{{"seed", 1234}, {"limit", 20}};
  ASSERT_TRUE(store.unfinished_run(elsewhere));
  EXPECT_EQ(store.unfinished_run(elsewhere)->id, second);
  store.finish_run(second, "finished", {});
  EXPECT_EQ(store.unfinished_run(elsewhere)->id, 1);
  store.finish_run(1, "interrupted", {});
  EXPECT_EQ(store.unfinished_run(elsewhere)->id, 1);
}

Response awkward_response() {
  return {.key = "k",
          .kind = "score",
          .logprob = -0.1,
          .greedy = true,
          .token_logprobs = {-0.0F, std::numeric_limits<float>::denorm_min(), -std::numeric_limits<float>::infinity(),
                             std::bit_cast<float>(0x7fc12345U)},
          .ids = {0, -1, 2147483647},
          .text = std::string("a\0b\xff\xe4\xbd", 6),
          .finish_reason = "stop"};
}

TEST(Store, KeepsEveryBitOfAResponse) {
  const TemporaryFolder folder;
  for (const double logprob : {-0.1, -0.0, 5e-324, -std::numeric_limits<double>::infinity(),
                               std::bit_cast<double>(0x7ff8000000001234ULL), 3.0}) {
    Store store(folder.file("a.db"), Store::Mode::kWrite);
    Response response = awkward_response();
    response.key = std::to_string(std::bit_cast<std::uint64_t>(logprob));
    response.logprob = logprob;
    EXPECT_FALSE(store.has_response(response.key));
    EXPECT_TRUE(store.put_response(response));
    EXPECT_TRUE(store.has_response(response.key));
    const Response back = *store.response(response.key);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(back.logprob), std::bit_cast<std::uint64_t>(logprob));
    ASSERT_EQ(back.token_logprobs.size(), 4u);
    for (std::size_t i = 0; i < 4; ++i)
      EXPECT_EQ(std::bit_cast<std::uint32_t>(back.token_logprobs[i]),
                std::bit_cast<std::uint32_t>(response.token_logprobs[i]));
    EXPECT_EQ(back.ids, response.ids);
    EXPECT_EQ(back.text, response.text);
    EXPECT_TRUE(back.greedy);
  }
}

TEST(Store, RefusesOtherBitsForTheSameResponse) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  EXPECT_TRUE(store.put_response(awkward_response()));
  EXPECT_TRUE(store.put_response(awkward_response()));
  Response other = awkward_response();
  other.token_logprobs[0] = 0.0F;  // equal as a number, another bit
  EXPECT_FALSE(store.put_response(other));
  EXPECT_EQ(std::bit_cast<std::uint32_t>(store.response("k")->token_logprobs[0]), 0x80000000U);
}

TEST(Store, GivesSamplesAndScoresInAFixedOrder) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  const std::int64_t run = store.begin_run(small_manifest());
  store.put_samples(run,
                    {{.task = "b", .doc_id = 1, .index = 0, .response_key = "x"},
                     {.task = "a", .doc_id = 10, .index = 1, .response_key = "y"},
                     {.task = "a", .doc_id = 10, .index = 0, .response_key = "z"},
                     {.task = "a", .doc_id = 9, .index = 0, .response_key = "w", .input = Dict{{"question", "q"}}}});
  std::string order;
  for (const Sample& sample : store.samples(run)) order += sample.response_key;
  EXPECT_EQ(order, "wzyx");
  EXPECT_EQ(*store.samples(run)[0].input.find("question"), Value("q"));

  store.put_scores(run, {{.task = "a", .doc_id = 2, .metric = "acc", .filter = "none", .value = 1.0},
                         {.task = "a", .doc_id = 1, .metric = "em", .filter = "strict", .value = 0.5},
                         {.task = "a", .doc_id = 1, .metric = "acc", .filter = "none", .value = 0.25}});
  std::vector<double> values;
  for (const Score& score : store.scores(run)) values.push_back(score.value);
  EXPECT_EQ(values, (std::vector<double>{0.25, 0.5, 1.0}));
}

TEST(Store, PuttingRowsAgainReplacesThem) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  const std::int64_t run = store.begin_run(small_manifest());
  for (const double value : {0.0, 1.0}) {
    store.put_samples(run, {{.task = "a", .doc_id = 1, .response_key = std::to_string(value)}});
    store.put_scores(run, {{.task = "a", .doc_id = 1, .metric = "acc", .filter = "none", .value = value}});
    store.put_metrics(run, {{.task = "a", .metric = "acc", .filter = "none", .value = value}});
    store.put_findings(run, {{.probe = "p", .measure = "refusal", .topic = "t", .language = "en", .effect = value}});
  }
  EXPECT_EQ(store.samples(run).size(), 1u);
  ASSERT_EQ(store.scores(run).size(), 1u);
  EXPECT_EQ(store.scores(run)[0].value, 1.0);
  EXPECT_EQ(store.metrics(run).at(0).value, 1.0);
  EXPECT_EQ(store.findings(run).at(0).effect, 1.0);
}

TEST(Store, KeepsMetricsWithAndWithoutIntervals) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  const std::int64_t run = store.begin_run(small_manifest());
  store.put_metrics(run, {{.task = "a",
                           .metric = "acc",
                           .filter = "none",
                           .value = 0.5,
                           .standard_error = 0.1,
                           .low = 0.3,
                           .high = 0.7,
                           .n = 25},
                          {.task = "a",
                           .metric = "word_perplexity",
                           .filter = "none",
                           .value = std::nan(""),
                           .n = 3,
                           .higher_is_better = false}});
  const std::vector<Metric> metrics = store.metrics(run);
  ASSERT_EQ(metrics.size(), 2u);
  EXPECT_EQ(metrics[0].high, 0.7);
  EXPECT_TRUE(std::isnan(metrics[1].value));
  EXPECT_FALSE(metrics[1].low);
  EXPECT_FALSE(metrics[1].higher_is_better);
}

TEST(Store, ClearScoresTouchesOneRunAndLeavesItsSamples) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  for (int i = 0; i < 2; ++i) {
    const std::int64_t run = store.begin_run(small_manifest());
    store.put_samples(run, {{.task = "a", .doc_id = 1}});
    store.put_scores(run, {{.task = "a", .doc_id = 1, .metric = "acc"}});
    store.put_metrics(run, {{.task = "a", .metric = "acc"}});
    store.put_findings(run, {{.probe = "a", .measure = "refusal"}});
  }
  store.clear_scores(1);
  EXPECT_EQ(store.samples(1).size(), 1u);
  EXPECT_TRUE(store.scores(1).empty() && store.metrics(1).empty() && store.findings(1).empty());
  EXPECT_EQ(store.scores(2).size() + store.metrics(2).size() + store.findings(2).size(), 3u);
}

TEST(Store, RepairsTextThatIsNotUtf8InJsonColumns) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  const std::int64_t run = store.begin_run(small_manifest());
  store.put_scores(run, {{.task = "a", .doc_id = 1, .metric = "m", .detail = Dict{{"answer", "caf\xc3"}}}});
  EXPECT_EQ(*store.scores(run).at(0).detail.find("answer"), Value("caf\xef\xbf\xbd"));
}

TEST(Transactions, AnExceptionRollsBackAndAnInnerOneOnlyItsOwnPart) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  const auto put = [&](const std::string& key) { store.put_response({.key = key, .kind = "score"}); };
  try {
    const Store::Transaction transaction(store);
    put("lost");
    throw std::runtime_error("stop");
  } catch (const std::runtime_error&) {
  }
  {
    const Store::Transaction outer(store);
    put("outer");
    try {
      const Store::Transaction inner(store);
      put("inner");
      throw std::runtime_error("stop");
    } catch (const std::runtime_error&) {
    }
    const Store::Transaction second(store);
    put("second");
  }
  EXPECT_FALSE(store.has_response("lost"));
  EXPECT_TRUE(store.has_response("outer"));
  EXPECT_FALSE(store.has_response("inner"));
  EXPECT_TRUE(store.has_response("second"));
}

TEST(Transactions, OthersSeeNothingBeforeTheEnd) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  const Store reader(folder.file("a.db"), Store::Mode::kRead);
  {
    const Store::Transaction transaction(store);
    store.put_response({.key = "k", .kind = "score"});
    EXPECT_FALSE(reader.has_response("k"));
  }
  EXPECT_TRUE(reader.has_response("k"));
}

TEST(Store, TakesAHundredThousandSamplesInAFewSeconds) {
  const TemporaryFolder folder;
  Store store(folder.file("a.db"), Store::Mode::kWrite);
  const std::int64_t run = store.begin_run(small_manifest());
  std::vector<Sample> samples;
  for (int i = 0; i < 100'000; ++i)
    samples.push_back(
        {.task = i < 50'000 ? "a" : "b",
         .doc_id = i / 4,
         .index = i % 4,
         .response_key = "0123456789012345678901234567890123456789012345678901234567" + std::to_string(i),
         .input = Dict{{"context", "a question of some length, asked in a sentence"}, {"continuation", " yes"}}});
  const auto begin = std::chrono::steady_clock::now();
  store.put_samples(run, samples);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  EXPECT_LT(seconds.count(), 20.0);  // a second or so; the bound only catches a statement prepared or synced per row
  EXPECT_EQ(store.samples(run).size(), 100'000u);
}

}  // namespace
}  // namespace candor::results
