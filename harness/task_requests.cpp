#include "harness/task_requests.h"

#include <algorithm>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/fields.h"
#include "base/file.h"

namespace candor::harness {
namespace {

using engine::GenerateRequest;
using engine::ScoreRequest;

constexpr std::int64_t kUnlimited = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kDefaultMaxTokens = 256;  // lm-eval's HFLM.max_gen_toks

/// The draws of two samples of one prompt differ; those of the same sample are the same in every run and shard.
std::uint64_t seed_of(const suites::TaskRequest& request, std::string_view task, std::uint64_t seed) {
  const std::string place = std::to_string(seed) + "/" + std::string(task) + "/" + std::to_string(request.doc_id) +
                            "/" + std::to_string(request.index);
  return std::stoull(sha256(place).substr(0, 16), nullptr, 16) >> 1;
}

std::int64_t max_tokens(Fields& kwargs) {
  std::int64_t count = kDefaultMaxTokens;
  // Lowest priority first (lm-eval's aliases).
  for (const char* key : {"max_completion_tokens", "max_tokens", "max_new_tokens", "max_gen_toks"})
    count = kwargs.optional_integer(key).value_or(count);
  if (count < 1 || count > kUnlimited)
    throw Error(ErrorKind::kBadInput, kwargs.where(), "max_gen_toks is " + std::to_string(count) + ", out of range");
  return count;
}

engine::Sampling sampling(Fields& kwargs, std::uint64_t seed) {
  const std::optional<bool> do_sample = kwargs.optional_boolean("do_sample");
  const double temperature = kwargs.optional_real("temperature").value_or(do_sample.value_or(false) ? 1.0 : 0.0);
  const double top_p = kwargs.optional_real("top_p").value_or(1.0);
  const std::int64_t top_k = kwargs.optional_integer("top_k").value_or(0);
  if (kwargs.optional_integer("num_beams").value_or(1) != 1)
    throw Error(ErrorKind::kBadInput, kwargs.where(), "num_beams is not 1", "beam search is not supported");
  if (!do_sample.value_or(temperature > 0.0)) return {};
  if (!(temperature >= 0.0 && temperature <= 100.0) || !(top_p >= 0.0 && top_p <= 1.0) || top_k < 0 ||
      top_k > kUnlimited)
    throw Error(ErrorKind::kBadInput, kwargs.where(), "temperature, top_p or top_k is out of range");
  return {.temperature = static_cast<float>(temperature),
          .top_p = static_cast<float>(top_p),
          .top_k = static_cast<int>(top_k),
          .seed = seed};
}

}  // namespace

EncodedScores encode_scores(const suites::TaskRequest& request, const TaskEncoding& encoding) {
  EncodedScores result;
  std::vector<suites::EncodedPair> pairs;
  if (request.kind == suites::RequestKind::kLoglikelihoodRolling) {
    pairs = suites::encode_rolling(encoding.tokenizer, request.continuation, encoding.max_length);
  } else {
    pairs.push_back(suites::encode_pair(encoding.tokenizer, request.context, request.continuation, kUnlimited));
    const std::size_t length = pairs[0].context.size() + pairs[0].continuation.size();
    result.truncated = static_cast<std::int64_t>(length) > encoding.max_length + 1;
    if (result.truncated)
      pairs[0] = suites::encode_pair(encoding.tokenizer, request.context, request.continuation, encoding.max_length);
  }
  for (suites::EncodedPair& pair : pairs)
    result.requests.push_back({.context = std::move(pair.context), .continuation = std::move(pair.continuation)});
  return result;
}

EncodedGeneration encode_generation(const suites::TaskRequest& request, std::string_view task, std::uint64_t seed,
                                    const TaskEncoding& encoding) {
  const std::string where = "task " + std::string(task) + ", document " + std::to_string(request.doc_id);
  const Value none = Dict();
  Fields kwargs(request.generation_kwargs.is_dict() ? request.generation_kwargs : none, where);
  const std::int64_t new_tokens = max_tokens(kwargs);
  if (new_tokens >= encoding.max_length)
    throw Error(ErrorKind::kBadInput, where,
                "max_gen_toks " + std::to_string(new_tokens) + " leaves no room in the model's context of " +
                    std::to_string(encoding.max_length) + " tokens",
                "lower it with --gen-kwargs max_gen_toks=...");

  EncodedGeneration result;
  GenerateRequest& generate = result.request;
  generate.max_tokens = static_cast<int>(new_tokens);
  generate.stop = kwargs.optional_texts("until");
  std::erase(generate.stop, "");
  // lm-eval cuts answers at the text of the end token too.
  if (const auto eos = encoding.tokenizer.eos()) {
    const std::string text = encoding.tokenizer.decode(std::vector{*eos}, false);
    if (!text.empty() && std::ranges::find(generate.stop, text) == generate.stop.end()) generate.stop.push_back(text);
  }
  generate.sampling = sampling(kwargs, seed_of(request, task, seed));
  kwargs.finish();

  generate.prompt = suites::encode_prompt(encoding.tokenizer, request.context, kUnlimited, 0);
  const auto room = static_cast<std::size_t>(encoding.max_length - new_tokens);
  result.truncated = generate.prompt.size() > room;
  if (result.truncated)
    generate.prompt = suites::encode_prompt(encoding.tokenizer, request.context, encoding.max_length, new_tokens);
  return result;
}

}  // namespace candor::harness
