#include "suites/group.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/fields.h"

namespace candor::suites {
namespace {

const AggregateScore* find_score(const std::vector<AggregateScore>& scores, const std::string& metric,
                                 const std::string& filter) {
  for (const AggregateScore& score : scores)
    if (score.metric == metric && score.filter == filter) return &score;
  return nullptr;
}

/// A task's documents: the largest count of any of its metrics (lm_eval, sample_len).
double task_size(const std::vector<AggregateScore>& scores) {
  std::int64_t size = 0;
  for (const AggregateScore& score : scores) size = std::max(size, score.n);
  return static_cast<double>(size);
}

std::vector<std::string> filters_of(const GroupMetric& metric, const std::vector<std::string>& leaves,
                                    const std::map<std::string, std::vector<AggregateScore>>& tasks) {
  if (metric.filters) return *metric.filters;
  std::set<std::string> filters;
  for (const std::string& leaf : leaves)
    if (const auto found = tasks.find(leaf); found != tasks.end())
      for (const AggregateScore& score : found->second)
        if (score.metric == metric.metric) filters.insert(score.filter);
  return {filters.begin(), filters.end()};
}

std::optional<AggregateScore> combine(const GroupMetric& metric, const std::string& filter,
                                      const std::vector<std::string>& leaves,
                                      const std::map<std::string, std::vector<AggregateScore>>& tasks) {
  double sum = 0.0, weights = 0.0, documents = 0.0, pooled = 0.0, squares = 0.0, count = 0.0;
  bool all_errors = true, higher_is_better = true;
  for (const std::string& leaf : leaves) {
    const auto found = tasks.find(leaf);
    const AggregateScore* score = found == tasks.end() ? nullptr : find_score(found->second, metric.metric, filter);
    if (score == nullptr) continue;
    const double size = task_size(found->second), weight = metric.weight_by_size ? size : 1.0;
    const double error = score->standard_error.value_or(0.0);
    all_errors = all_errors && score->standard_error.has_value();
    higher_is_better = score->higher_is_better;
    sum += score->value * weight, weights += weight, documents += size, count += 1.0;
    pooled += (size - 1.0) * error * error * size, squares += error * error;
  }
  if (count == 0.0) return std::nullopt;
  AggregateScore combined{.metric = metric.metric, .filter = filter, .standard_error = {}, .interval = {}};
  combined.value = sum / weights;
  combined.n = std::llround(documents);
  combined.higher_is_better = higher_is_better;
  if (!all_errors) return combined;
  // Pooled variance, or that of a mean of independent means (lm_eval/api/metrics.py).
  combined.standard_error =
      metric.weight_by_size ? std::sqrt(pooled / (documents - count) / documents) : std::sqrt(squares) / count;
  const double half = 1.959963984540054 * *combined.standard_error;
  combined.interval = std::pair(combined.value - half, combined.value + half);
  return combined;
}

}  // namespace

bool is_group_key(const std::string& key) {
  constexpr std::array<std::string_view, 5> kKeys{"group", "group_alias", "task", "aggregate_metric_list", "metadata"};
  return std::ranges::find(kKeys, key) != kKeys.end();
}

std::vector<GroupMetric> parse_group_metrics(const Value* list, const std::string& where) {
  std::vector<GroupMetric> metrics;
  if (list == nullptr || list->is_null()) return metrics;
  const Value::List entries = list->is_list() ? list->list() : Value::List{*list};
  for (const Value& entry : entries) {
    Fields fields(entry, where + ": aggregate_metric_list");
    GroupMetric& metric = metrics.emplace_back();
    metric.metric = fields.text("metric");
    metric.weight_by_size = fields.optional_boolean("weight_by_size").value_or(true);
    if (fields.has("filter_list")) metric.filters = fields.optional_texts("filter_list");
    fields.ignore("filter_list");
    const Value* aggregation = fields.optional_any("aggregation");
    if (aggregation != nullptr && !(aggregation->is_text() && aggregation->text() == "mean"))
      throw Error(ErrorKind::kBadInput, fields.where(), "the only aggregation of groups is 'mean'");
    fields.finish();
  }
  return metrics;
}

void aggregate_group(const GroupNode& group, const std::map<std::string, std::vector<AggregateScore>>& tasks,
                     std::vector<GroupScore>& out) {
  GroupScore& own = out.emplace_back();
  own.group = group.name;
  for (const GroupMetric& metric : group.metrics)
    for (const std::string& filter : filters_of(metric, group.leaves, tasks))
      if (std::optional<AggregateScore> score = combine(metric, filter, group.leaves, tasks))
        own.scores.push_back(*std::move(score));
  for (const GroupNode& subgroup : group.subgroups) aggregate_group(subgroup, tasks, out);
}

}  // namespace candor::suites
