// Files of requests: JSON Lines become requests to a model, all checked before anything is computed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/value.h"
#include "engine/language_model.h"

namespace candor::harness {

/// What the model decides about a request.
struct RequestRules {
  const text::Tokenizer& tokenizer;
  std::int64_t context_length = 0;  ///< In tokens.
  std::int64_t vocab_size = 0;
  /// Renders messages up to where the answer begins; absent: the model has no chat template.
  std::function<std::string(const Value::List& messages)> chat = nullptr;
};

template <typename Request>
struct RequestLine {
  Value id;           ///< As given, or the request's number, from 0.
  std::string where;  ///< "requests.jsonl:12"
  Request request;
};

/// {"id", "context" | "context_ids", "continuation" | "continuation_ids", "top"} per line; texts are split into context
/// and continuation as lm-evaluation-harness does it.
/// @param path  a file or "-".
/// @throws Error{kBadInput} naming file and line: unknown field, wrong type, too long for the model, id outside the
///         vocabulary.
std::vector<RequestLine<engine::ScoreRequest>> read_score_requests(const std::string& path, const RequestRules& rules);

/// {"id", "prompt" | "prompt_ids" | "messages", "max_tokens", "stop", "temperature", "top_p", "top_k", "seed",
/// "prefill", "ignore_eos"} per line.
std::vector<RequestLine<engine::GenerateRequest>> read_generate_requests(const std::string& path,
                                                                         const RequestRules& rules);

/// A prompt's ids: special tokens around it as the tokenizer has it, unless the text begins with the first of them.
std::vector<engine::TokenId> encode_whole_prompt(const text::Tokenizer& tokenizer, const std::string& prompt);

}  // namespace candor::harness
