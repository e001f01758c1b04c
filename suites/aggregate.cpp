#include "suites/aggregate.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <thread>

#include "base/error.h"
#include "base/fields.h"
#include "suites/python_random.h"

namespace candor::suites {
namespace {

/// The values at `indices` (or all, in order) of a kind of item.
template <typename Kind>
std::vector<const Kind*> of_kind(const std::vector<Item>& items) {
  std::vector<const Kind*> out;
  out.reserve(items.size());
  for (const Item& item : items) {
    const Kind* value = std::get_if<Kind>(&item);
    CANDOR_CHECK(value != nullptr, "an aggregation of items of another kind");
    out.push_back(value);
  }
  return out;
}

double mean(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double nan_mean(const std::vector<double>& values) {
  double sum = 0.0;
  std::size_t count = 0;
  for (const double value : values)
    if (!std::isnan(value)) sum += value, ++count;
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(count);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

double perplexity(const std::vector<double>& values) {
  return std::exp(-mean(values));
}

double sample_deviation(const std::vector<double>& values) {
  const double center = mean(values);
  double sum = 0.0;
  for (const double value : values) sum += (value - center) * (value - center);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

/// scikit-learn's f1_score for two classes, the positive one being 1.
double f1(const std::vector<Labels>& labels) {
  double hits = 0.0, marked = 0.0;
  for (const Labels& label : labels) {
    hits += label.gold == 1 && label.predicted == 1 ? 1.0 : 0.0;
    marked += (label.gold == 1 ? 1.0 : 0.0) + (label.predicted == 1 ? 1.0 : 0.0);
  }
  return marked == 0.0 ? 0.0 : 2.0 * hits / marked;
}

/// scikit-learn's matthews_corrcoef, for any number of classes (Gorodkin 2004).
double matthews(const std::vector<Labels>& labels) {
  std::map<std::int64_t, std::pair<double, double>> counts;  // class -> true, predicted
  double correct = 0.0;
  for (const Labels& label : labels) {
    counts[label.gold].first += 1.0;
    counts[label.predicted].second += 1.0;
    correct += label.gold == label.predicted ? 1.0 : 0.0;
  }
  const auto n = static_cast<double>(labels.size());
  double both = 0.0, truth = 0.0, predicted = 0.0;
  for (const auto& [label, count] : counts) {
    both += count.first * count.second;
    truth += count.first * count.first;
    predicted += count.second * count.second;
  }
  const double spread = (n * n - truth) * (n * n - predicted);
  return spread == 0.0 ? 0.0 : (correct * n - both) / std::sqrt(spread);
}

using ScalarStatistic = double (*)(const std::vector<double>&);
using LabelStatistic = double (*)(const std::vector<Labels>&);

ScalarStatistic scalar_statistic(std::string_view name) {
  if (name == "mean") return mean;
  if (name == "nanmean") return nan_mean;
  if (name == "perplexity") return perplexity;
  if (name == "median") return [](const std::vector<double>& values) { return median(values); };
  return nullptr;
}

LabelStatistic label_statistic(std::string_view name) {
  if (name == "f1") return f1;
  if (name == "matthews_corrcoef") return matthews;
  return nullptr;
}

double brier(const std::vector<Item>& items) {
  double sum = 0.0;
  for (const Item& item : items) sum += document_value("brier_score", item).value();
  return sum / static_cast<double>(items.size());
}

double weighted_mean(const std::vector<Item>& items) {
  double sum = 0.0, weights = 0.0;
  for (const Weighted* item : of_kind<Weighted>(items)) sum += item->logprob, weights += item->weight;
  return sum / weights;
}

/// lm-eval's bootstrap_stderr: chunk i has random.Random(i); each replicate is random.choices(items, k=n).
template <typename Kind>
double bootstrap(const std::vector<Kind>& values, double (*statistic)(const std::vector<Kind>&), int iterations) {
  const int chunk = std::min(1000, iterations), chunks = iterations / chunk;
  std::vector<double> replicates(static_cast<std::size_t>(chunk) * static_cast<std::size_t>(chunks));
  std::atomic<int> next{0};
  const auto work = [&] {
    std::vector<Kind> drawn(values.size());
    for (int i = next++; i < chunks; i = next++) {
      PythonRandom random(static_cast<std::uint64_t>(i));
      for (int j = 0; j < chunk; ++j) {
        for (Kind& value : drawn) value = values[random.choice(values.size())];
        replicates[static_cast<std::size_t>(i) * static_cast<std::size_t>(chunk) + static_cast<std::size_t>(j)] =
            statistic(drawn);
      }
    }
  };
  std::vector<std::jthread> threads;
  const unsigned count = std::min(static_cast<unsigned>(chunks), std::max(1u, std::thread::hardware_concurrency()));
  for (unsigned i = 1; i < count; ++i) threads.emplace_back(work);
  work();
  threads.clear();
  return sample_deviation(replicates);
}

template <typename Kind>
std::vector<Kind> copies(const std::vector<Item>& items) {
  std::vector<Kind> out;
  for (const Kind* item : of_kind<Kind>(items)) out.push_back(*item);
  return out;
}

}  // namespace

void check_aggregation(const MetricEntry& metric, const std::string& where) {
  const std::string own = metric_traits(metric.metric)->aggregation;
  const bool scalar = scalar_statistic(own) != nullptr, label = label_statistic(own) != nullptr;
  const bool weighted = own == "weighted_perplexity" || own == "bits_per_byte";
  const std::string& name = metric.aggregation;
  if (name == own || (scalar && scalar_statistic(name) != nullptr) || (label && label_statistic(name) != nullptr) ||
      (weighted && (name == "weighted_perplexity" || name == "bits_per_byte")))
    return;
  const std::vector<std::string> known{"mean",
                                       "nanmean",
                                       "median",
                                       "perplexity",
                                       "f1",
                                       "brier_score",
                                       "matthews_corrcoef",
                                       "weighted_perplexity",
                                       "bits_per_byte"};
  if (std::ranges::find(known, name) != known.end())
    throw Error(ErrorKind::kBadInput, where, "aggregation '" + name + "' cannot take metric '" + metric.metric + "'",
                "its own is '" + own + "'");
  const std::string near = nearest(name, known);
  throw Error(ErrorKind::kBadInput, where, "aggregation '" + name + "' is not known",
              near.empty() ? "" : "did you mean '" + near + "'?");
}

double aggregate_items(const std::string& aggregation, const std::vector<Item>& items) {
  CANDOR_CHECK(!items.empty(), "an aggregate of nothing");
  if (const ScalarStatistic statistic = scalar_statistic(aggregation)) return statistic(copies<double>(items));
  if (const LabelStatistic statistic = label_statistic(aggregation)) return statistic(copies<Labels>(items));
  if (aggregation == "brier_score") return brier(items);
  if (aggregation == "weighted_perplexity") return std::exp(-weighted_mean(items));
  CANDOR_CHECK(aggregation == "bits_per_byte", "an aggregation that was not checked");
  return -weighted_mean(items) / std::log(2.0);
}

std::optional<double> standard_error(const std::string& aggregation, const std::vector<Item>& items,
                                     int bootstrap_iterations) {
  if (bootstrap_iterations <= 0 || items.size() < 2) return std::nullopt;
  if (aggregation == "mean")
    return sample_deviation(copies<double>(items)) / std::sqrt(static_cast<double>(items.size()));
  if (bootstrap_iterations < 2) return std::nullopt;
  if (const ScalarStatistic statistic = scalar_statistic(aggregation))
    return bootstrap<double>(copies<double>(items), statistic, bootstrap_iterations);
  if (const LabelStatistic statistic = label_statistic(aggregation))
    return bootstrap<Labels>(copies<Labels>(items), statistic, bootstrap_iterations);
  return std::nullopt;
}

}  // namespace candor::suites
