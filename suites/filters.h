// Pipelines that extract an answer from responses (lm_eval/filters/).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/value.h"
#include "suites/task_config.h"

namespace candor::suites {

/// The responses of a document's request, one per repeat, on their way through a pipeline: a list of texts, or the one
/// that take_first left. As in Python a text is a sequence too: a filter behind take_first sees its characters.
using FilterFunction = std::function<Value(Value responses, const Dict& document)>;

/// @param where  for messages.
/// @throws Error{kBadInput} for an unknown function, with the nearest known one, unknown arguments, bad patterns.
std::vector<FilterFunction> build_filters(const FilterPipeline& pipeline, const std::string& where);

}  // namespace candor::suites
