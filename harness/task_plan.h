// Benchmarks as a plan: prepared tasks become requests, their responses scores.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/options.h"
#include "harness/plan.h"
#include "harness/task_requests.h"
#include "suites/suites.h"

namespace candor::harness {

struct TaskPlanOptions {
  Shard shard = {};           ///< Which documents. Prompts are those of the whole run.
  std::uint64_t seed = 1234;  ///< Of sampled answers, with the sample's place.
  /// Scores of the groups asked for, from those of their tasks.
  std::function<std::vector<suites::GroupScore>(const std::map<std::string, std::vector<suites::AggregateScore>>&)>
      groups = nullptr;
};

/// @param manifest  of the run; what the tasks know (names of data files, notes) is added.
/// @param model     used now, to encode; not afterwards.
/// @throws Error{kBadInput} naming task and document of a request that the model cannot take.
std::unique_ptr<Plan> plan_tasks(std::vector<suites::Task> tasks, const engine::LanguageModel& model,
                                 results::Manifest manifest, const TaskPlanOptions& options);

}  // namespace candor::harness
