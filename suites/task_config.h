// The keys of a task, checked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/value.h"
#include "suites/task_file.h"

namespace candor::suites {

enum class OutputType { kGenerateUntil, kMultipleChoice, kLoglikelihood, kLoglikelihoodRolling };

/// How a document becomes text; the few-shot examples have their own, which default to the task's.
struct Formatting {
  Value doc_to_text, doc_to_choice, doc_to_target;
  std::string gen_prefix;
  std::string target_delimiter = " ";
  std::string fewshot_delimiter = "\n\n";
};

struct FilterStep {
  std::string function;
  Value arguments;  ///< A dict.
};

struct FilterPipeline {
  std::string name;
  std::vector<FilterStep> steps;
};

struct MetricEntry {
  std::string metric;
  std::string aggregation;
  bool higher_is_better = true;
  Value arguments;  ///< A dict.
};

struct TaskConfig {
  std::string task;
  std::string file;
  bool shipped = false;
  std::string dataset_path, dataset_name;
  Value dataset_kwargs;
  std::optional<std::string> training_split, validation_split, test_split;
  OutputType output_type = OutputType::kGenerateUntil;
  Formatting format;
  Formatting fewshot_format;
  std::string description;
  std::string fewshot_sampler = "default";
  std::optional<std::string> fewshot_split;
  std::optional<Value::List> fewshot_samples;
  std::optional<std::int64_t> num_fewshot;
  Value generation_kwargs;  ///< A dict for generation, else null.
  std::int64_t repeats = 1;
  std::vector<FilterPipeline> filters;
  std::vector<MetricEntry> metrics;

  bool has_choices() const noexcept { return !format.doc_to_choice.is_null(); }
};

std::string_view output_type_name(OutputType type);

/// @throws Error{kBadInput} for a key that is not known or of the wrong type, for a !function, and for what is refused.
TaskConfig parse_task_config(const TaskFile& file);

/// Only whether all keys are known ones. @throws Error{kBadInput} naming file, line, key and the nearest right key.
void check_task_keys(const TaskFile& file);

}  // namespace candor::suites
