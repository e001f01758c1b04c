// A task's requests as requests to a model.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/language_model.h"
#include "suites/suites.h"

namespace candor::harness {

/// What decides how text becomes tokens.
struct TaskEncoding {
  const text::Tokenizer& tokenizer;
  std::int64_t max_length = 0;  ///< The model's context.
};

/// One request for a log-likelihood; one per window for a rolling one.
struct EncodedScores {
  std::vector<engine::ScoreRequest> requests;
  bool truncated = false;  ///< The context did not fit and was cut on the left, as lm-evaluation-harness does.
};
EncodedScores encode_scores(const suites::TaskRequest& request, const TaskEncoding& encoding);

struct EncodedGeneration {
  engine::GenerateRequest request;
  bool truncated = false;
};
/// @param task  for messages and, with the request's place, for the seed of a sampled answer.
/// @throws Error{kBadInput} for generation_kwargs of the wrong type or that cannot be honoured.
EncodedGeneration encode_generation(const suites::TaskRequest& request, std::string_view task, std::uint64_t seed,
                                    const TaskEncoding& encoding);

}  // namespace candor::harness
