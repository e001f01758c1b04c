// What a document's responses are worth (lm_eval/api/task.py, process_results; lm_eval/api/metrics.py).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/value.h"
#include "suites/suites.h"
#include "suites/task_config.h"

namespace candor::suites {

struct MetricTraits {
  const char* name;
  const char* aggregation;
  bool higher_is_better;
};
const MetricTraits* metric_traits(std::string_view name);  ///< Null: not known.
/// @throws Error{kBadInput} naming the nearest known metric.
const MetricTraits& known_metric(const std::string& name, const std::string& where);
std::vector<const char*> default_metrics(OutputType type);

/// What a metric keeps of a document until the task is over.
struct Weighted {  ///< Log-likelihood over words or bytes.
  double logprob = 0.0, weight = 0.0;
};
struct Labels {
  std::int64_t gold = 0, predicted = 0;
};
struct Probabilities {
  std::int64_t gold = 0;
  std::vector<double> of_choices;
};
using Item = std::variant<double, Weighted, Labels, Probabilities>;

/// Metric -> item, in lm-evaluation-harness's order.
using Items = std::vector<std::pair<std::string, Item>>;

struct ChoiceOutcome {
  std::vector<std::string> choices;
  std::vector<std::int64_t> gold;  ///< Indices; kNoGold where the document names none that is there.
  std::span<const TaskResponse> responses;
};
inline constexpr std::int64_t kNoGold = -100;

Items choice_items(const ChoiceOutcome& outcome, const std::vector<MetricEntry>& metrics);
Items loglikelihood_items(const TaskResponse& response, const std::vector<MetricEntry>& metrics);
Items rolling_items(double logprob, std::string_view text, const std::vector<MetricEntry>& metrics);

/// exact_match with its options, over texts.
class ExactMatch {
 public:
  /// @param arguments  regexes_to_ignore, ignore_case, ignore_punctuation, ignore_numbers.
  /// @throws Error{kBadInput}
  ExactMatch(const Value& arguments, const std::string& where);
  ExactMatch(ExactMatch&&) noexcept;
  ~ExactMatch();
  bool operator()(const std::string& gold, const std::string& response) const;

 private:
  std::string simplified(std::string text) const;
  struct State;
  std::unique_ptr<const State> state_;
};

/// The number that stands for an item in a list of documents; nothing where a document alone has none.
std::optional<double> document_value(const std::string& metric, const Item& item);

}  // namespace candor::suites
