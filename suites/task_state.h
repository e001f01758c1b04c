// Inside a Task: what is known of its documents once the prompts are made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "suites/aggregate.h"
#include "suites/dataset.h"
#include "suites/filters.h"
#include "suites/suites.h"
#include "suites/task_config.h"

namespace candor::suites {

/// What a document is scored against.
struct Truth {
  std::string question;                 ///< doc_to_text, for people.
  std::string target;                   ///< The right answer, for people.
  std::vector<std::string> choices;     ///< Of a choice, or the inputs.
  std::vector<std::int64_t> gold;       ///< Of a choice: indices, kNoGold for what is not among them.
  std::vector<std::string> gold_texts;  ///< Of a generation: any of them counts.
  std::string text;                     ///< Of a rolling log-likelihood.
};

struct Pipeline {
  std::string name;
  std::vector<FilterFunction> filters;
};

struct Task::State {
  TaskConfig config;
  int bootstrap_iterations = 0;
  Split evaluated;
  std::vector<Truth> truths;  ///< By document, after the limit.
  std::vector<TaskRequest> requests;
  std::vector<DataFile> data_files;
  std::vector<std::string> notes;
  std::vector<Pipeline> pipelines;
  std::vector<ExactMatch> exact_matches;  ///< Of a generation: one per metric.
};

/// Reads the data and makes the prompts. @throws Error{kBadInput}
std::unique_ptr<Task::State> build_task(TaskConfig config, const TaskOptions& options);

}  // namespace candor::suites
