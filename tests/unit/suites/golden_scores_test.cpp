// Filters, metrics, aggregates and standard errors of made-up answers, against the reference's scores.json.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "golden.h"

namespace candor::suites {
namespace {

constexpr double kRelative = 1e-9;

void expect_near(double actual, double expected) {
  EXPECT_LE(std::fabs(actual - expected), kRelative * std::max(1e-300, std::fabs(expected)))
      << actual << " instead of " << expected;
}

TaskResponse response_of(const Value& answer, RequestKind kind) {
  if (kind == RequestKind::kGenerateUntil) return {.logprob = 0.0, .greedy = false, .text = answer.text()};
  if (kind == RequestKind::kLoglikelihoodRolling) return {.logprob = answer.real(), .greedy = false, .text = {}};
  return {.logprob = answer.list()[0].real(), .greedy = answer.list()[1].boolean(), .text = {}};
}

std::vector<TaskResponse> responses_of(const Value& sample, RequestKind kind) {
  std::vector<TaskResponse> responses;
  for (const Value& request : sample.find("responses")->list())
    for (const Value& repeat : request.list()) responses.push_back(response_of(repeat, kind));
  return responses;
}

/// A document's number for what the reference keeps as a pair.
double reference_value(const std::string& metric, const Value& value) {
  if (!value.is_list()) return value.is_bool() ? (value.boolean() ? 1.0 : 0.0) : value.real();
  const Value::List& pair = value.list();
  if (metric == "brier_score") {
    double sum = 0.0;
    for (std::size_t i = 0; i < pair[1].list().size(); ++i) {
      const double hit = static_cast<std::int64_t>(i) == pair[0].integer() ? 1.0 : 0.0;
      sum += std::pow(pair[1].list()[i].real() - hit, 2);
    }
    return sum;
  }
  const double rate = -pair[0].real() / pair[1].real();
  return metric == "bits_per_byte" ? rate / std::log(2.0) : std::exp(rate);
}

const MetricValue* find(const DocumentScore& score, const std::string& metric, const std::string& filter) {
  for (const MetricValue& value : score.metrics)
    if (value.metric == metric && value.filter == filter) return &value;
  return nullptr;
}

void expect_sample(const DocumentScore& score, const Value& sample, RequestKind kind) {
  const std::string filter = sample.find("filter")->text();
  SCOPED_TRACE("document " + std::to_string(score.doc_id) + ", filter " + filter);
  if (kind == RequestKind::kGenerateUntil) {
    const auto found = std::ranges::find(score.filtered, filter, [](const auto& entry) { return entry.first; });
    ASSERT_NE(found, score.filtered.end());
    EXPECT_EQ(found->second, sample.find("filtered")->list()[0]) << to_json(found->second);
  }
  for (const Member& metric : sample.find("metrics")->dict()) {
    const MetricValue* value = find(score, metric.key, filter);
    ASSERT_NE(value, nullptr) << metric.key;
    expect_near(value->value, reference_value(metric.key, metric.value));
  }
}

void expect_aggregates(const std::vector<AggregateScore>& scores, const Dict& expected) {
  std::size_t compared = 0;
  for (const AggregateScore& score : scores) {
    SCOPED_TRACE(score.metric + "," + score.filter);
    const Value* value = expected.find(score.metric + "," + score.filter);
    ASSERT_NE(value, nullptr);
    expect_near(score.value, value->real());
    const Value* error = expected.find(score.metric + "_stderr," + score.filter);
    ASSERT_NE(error, nullptr);
    EXPECT_EQ(score.standard_error.has_value(), error->is_number());
    if (score.standard_error && error->is_number()) expect_near(*score.standard_error, error->real());
    compared += 2;
  }
  EXPECT_EQ(compared, expected.size());
}

std::vector<std::string> scored_names() {
  std::vector<std::string> names = golden_names();
  std::erase_if(
      names, [](const std::string& name) { return !std::filesystem::exists(golden_suites() / name / "scores.json"); });
  return names;
}

class GoldenScores : public testing::TestWithParam<std::string> {};

TEST_P(GoldenScores, AreTheReferences) {
  const std::filesystem::path folder = golden_suites() / GetParam();
  const Value scores = golden_json(folder / "scores.json");
  TaskLibrary library = golden_library();
  TaskOptions options;
  options.data_dir = golden_suites();
  options.limit = 40.0;
  options.bootstrap_iterations = static_cast<int>(scores.find("bootstrap_iters")->integer());
  const Task task = library.prepare(library.resolve(folder / "task.yaml").at(0), options);
  const RequestKind kind = task.requests().at(0).kind;
  std::map<std::int64_t, std::vector<TaskResponse>> by_document;
  for (const Value& sample : scores.find("samples")->list()) {
    const std::int64_t doc_id = sample.find("doc_id")->integer();
    by_document[doc_id] = responses_of(sample, kind);
    expect_sample(task.score(static_cast<std::size_t>(doc_id), by_document[doc_id]), sample, kind);
  }
  std::vector<DocumentScore> documents;
  std::vector<std::vector<TaskResponse>> responses;
  for (const auto& [doc_id, answers] : by_document) {
    documents.push_back(task.score(static_cast<std::size_t>(doc_id), answers));
    responses.push_back(answers);
  }
  EXPECT_EQ(static_cast<std::int64_t>(documents.size()), scores.find("n")->integer());
  expect_aggregates(task.aggregate(documents, responses), scores.find("metrics")->dict());
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(GoldenScores);
INSTANTIATE_TEST_SUITE_P(Suites, GoldenScores, testing::ValuesIn(scored_names()),
                         [](const auto& test) { return test.param; });

/// The group's numbers from its tasks' numbers, as the reference has both.
TEST(GoldenGroup, IsMadeOfItsTasks) {
  if (golden_names().empty()) GTEST_SKIP() << "no golden suites: group scores were not compared with lm-eval's";
  const Value results = golden_json(golden_suites() / "group_science" / "results.json");
  const Value& reference = *results.find("cases")->find("0shot");
  TaskLibrary library = golden_library();
  ASSERT_EQ(library.resolve("golden_science"),
            (std::vector<std::string>{"golden_arc_easy", "golden_mmlu_astronomy", "golden_piqa"}));
  std::map<std::string, std::vector<AggregateScore>> tasks;
  for (const Member& task : reference.find("tasks")->dict()) {
    const Dict& metrics = task.value.find("metrics")->dict();
    for (const Member& metric : metrics) {
      const std::size_t comma = metric.key.find(',');
      const std::string name = metric.key.substr(0, comma), filter = metric.key.substr(comma + 1);
      if (name.ends_with("_stderr")) continue;
      AggregateScore score{.metric = name, .filter = filter, .standard_error = {}, .interval = {}};
      score.value = metric.value.real();
      score.standard_error = metrics.find(name + "_stderr," + filter)->real();
      score.n = task.value.find("n")->integer();
      tasks[task.key].push_back(score);
    }
  }
  const std::vector<GroupScore> groups = library.aggregate_groups("golden_science", tasks);
  ASSERT_EQ(groups.size(), reference.find("groups")->dict().size());
  for (const GroupScore& group : groups) {
    const Value* expected = reference.find("groups")->find(group.group);
    ASSERT_NE(expected, nullptr) << group.group;
    for (const AggregateScore& score : group.scores) {
      SCOPED_TRACE(group.group + " " + score.metric);
      expect_near(score.value, expected->find(score.metric + "," + score.filter)->real());
      expect_near(score.standard_error.value(), expected->find(score.metric + "_stderr," + score.filter)->real());
      EXPECT_EQ(score.n, expected->find("sample_count")->find(score.metric + "," + score.filter)->integer());
    }
  }
}

}  // namespace
}  // namespace candor::suites
