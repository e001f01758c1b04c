#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "engine/text/python.h"
#include "scoring/statistics.h"
#include "suites/task_state.h"

namespace candor::suites {
namespace {

constexpr double kNormal95 = 1.959963984540054;  // quantile of the normal distribution at 97.5 %

struct FilteredItems {
  std::string filter;
  Value filtered;
  Items items;
};

/// exact_match of what a pipeline made of the responses; a list counts by its share of matches.
double exact_match(const ExactMatch& matches, const Truth& truth, const Value& filtered) {
  if (filtered.is_list()) {
    double sum = 0.0;
    for (const Value& one : filtered.list()) sum += exact_match(matches, truth, one);
    return filtered.list().empty() ? 0.0 : sum / static_cast<double>(filtered.list().size());
  }
  const std::string response = filtered.is_null() ? "" : text::str(filtered);
  if (filtered.is_null()) return 0.0;  // a map without a default: no answer
  return std::ranges::any_of(truth.gold_texts, [&](const std::string& gold) { return matches(gold, response); }) ? 1.0
                                                                                                                 : 0.0;
}

Items generation_items(const Task::State& state, const Truth& truth, const Value& filtered) {
  Items items;
  for (std::size_t i = 0; i < state.exact_matches.size(); ++i)
    items.emplace_back(state.config.metrics[i].metric, exact_match(state.exact_matches[i], truth, filtered));
  return items;
}

std::vector<FilteredItems> score_generation(const Task::State& state, std::size_t document,
                                            std::span<const TaskResponse> responses) {
  std::vector<FilteredItems> all;
  for (const Pipeline& pipeline : state.pipelines) {
    Value::List texts;
    for (const TaskResponse& response : responses) texts.emplace_back(response.text);
    Value filtered = std::move(texts);
    for (const FilterFunction& filter : pipeline.filters)
      filtered = filter(std::move(filtered), state.evaluated.rows[document]);
    Items items = generation_items(state, state.truths[document], filtered);
    all.push_back({pipeline.name, std::move(filtered), std::move(items)});
  }
  return all;
}

Items scored_items(const Task::State& state, std::size_t document, std::span<const TaskResponse> responses) {
  const Truth& truth = state.truths[document];
  const std::vector<MetricEntry>& metrics = state.config.metrics;
  switch (state.config.output_type) {
    case OutputType::kMultipleChoice:
      return choice_items({truth.choices, truth.gold, responses}, metrics);
    case OutputType::kLoglikelihood:
      return loglikelihood_items(responses[0], metrics);
    default:
      return rolling_items(responses[0].logprob, truth.text, metrics);
  }
}

std::vector<FilteredItems> score_document(const Task::State& state, std::size_t document,
                                          std::span<const TaskResponse> responses) {
  CANDOR_CHECK(document < state.truths.size() && !responses.empty(), "a document of the task, with its responses");
  if (state.config.output_type == OutputType::kGenerateUntil) return score_generation(state, document, responses);
  const Items items = scored_items(state, document, responses);
  const bool rolling = state.config.output_type == OutputType::kLoglikelihoodRolling;
  Value::List filtered;
  for (const TaskResponse& response : responses)
    filtered.push_back(rolling ? Value(response.logprob) : Value(Value::List{response.logprob, response.greedy}));
  std::vector<FilteredItems> all;
  for (const Pipeline& pipeline : state.pipelines) all.push_back({pipeline.name, filtered, items});
  return all;
}

std::optional<std::pair<double, double>> interval(const AggregateScore& score, const std::string& aggregation,
                                                  const std::vector<Item>& items) {
  double successes = 0.0;
  const bool binary = aggregation == "mean" && std::ranges::all_of(items, [&](const Item& item) {
                        const double value = std::get<double>(item);
                        successes += value;
                        return value == 0.0 || value == 1.0;
                      });
  if (binary) {
    const scoring::Interval wilson = scoring::wilson(std::llround(successes), score.n);
    return std::pair(wilson.low, wilson.high);
  }
  if (!score.standard_error) return std::nullopt;
  const double half = kNormal95 * *score.standard_error;
  return std::pair(score.value - half, score.value + half);
}

}  // namespace

std::string_view kind_name(RequestKind kind) {
  switch (kind) {
    case RequestKind::kLoglikelihood:
      return "loglikelihood";
    case RequestKind::kLoglikelihoodRolling:
      return "loglikelihood_rolling";
    case RequestKind::kGenerateUntil:
      return "generate_until";
  }
  return "";
}

Task::Task(std::unique_ptr<const State> state) : state_(std::move(state)) {}
Task::Task(Task&&) noexcept = default;
Task& Task::operator=(Task&&) noexcept = default;
Task::~Task() = default;

const std::string& Task::name() const noexcept {
  return state_->config.task;
}
std::size_t Task::documents() const noexcept {
  return state_->truths.size();
}
const Dict& Task::document(std::size_t index) const noexcept {
  return state_->evaluated.rows[index];
}
std::string Task::question(std::size_t index) const {
  const Truth& truth = state_->truths[index];
  return truth.question.empty() ? truth.text : truth.question;
}
const std::vector<TaskRequest>& Task::requests() const noexcept {
  return state_->requests;
}
const std::vector<DataFile>& Task::data_files() const noexcept {
  return state_->data_files;
}
const std::vector<std::string>& Task::notes() const noexcept {
  return state_->notes;
}

DocumentScore Task::score(std::size_t document, std::span<const TaskResponse> responses) const {
  DocumentScore score;
  score.doc_id = static_cast<int>(document);
  score.target = state_->truths[document].target;
  for (FilteredItems& part : score_document(*state_, document, responses)) {
    score.filtered.emplace_back(part.filter, std::move(part.filtered));
    for (const auto& [metric, item] : part.items)
      if (const std::optional<double> value = document_value(metric, item))
        score.metrics.push_back({metric, part.filter, *value});
  }
  return score;
}

std::vector<AggregateScore> Task::aggregate(std::span<const DocumentScore> documents,
                                            std::span<const std::vector<TaskResponse>> responses) const {
  CANDOR_CHECK(documents.size() == responses.size(), "responses for each document");
  struct Column {
    std::string metric, filter;
    std::vector<Item> items;
  };
  std::vector<Column> columns;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    std::size_t c = 0;
    for (FilteredItems& part : score_document(*state_, static_cast<std::size_t>(documents[i].doc_id), responses[i])) {
      for (auto& [metric, item] : part.items) {
        if (i == 0) columns.push_back({metric, part.filter, {}});
        CANDOR_CHECK(c < columns.size() && columns[c].metric == metric, "every document has the same metrics");
        columns[c++].items.push_back(std::move(item));
      }
    }
  }
  std::vector<AggregateScore> scores;
  for (const Column& column : columns) {
    const auto entry = std::ranges::find(state_->config.metrics, column.metric, &MetricEntry::metric);
    AggregateScore score{.metric = column.metric, .filter = column.filter, .standard_error = {}, .interval = {}};
    score.n = static_cast<std::int64_t>(column.items.size());
    score.value = aggregate_items(entry->aggregation, column.items);
    score.standard_error = standard_error(entry->aggregation, column.items, state_->bootstrap_iterations);
    score.higher_is_better = entry->higher_is_better;
    score.interval = interval(score, entry->aggregation, column.items);
    scores.push_back(std::move(score));
  }
  return scores;
}

}  // namespace candor::suites
