#include "harness/request_lines.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/fields.h"
#include "base/json.h"
#include "suites/suites.h"

namespace candor::harness {
namespace {

using engine::GenerateRequest;
using engine::ScoreRequest;
using engine::TokenId;

constexpr std::int64_t kDefaultMaxTokens = 256;
constexpr std::int64_t kUnlimited = std::numeric_limits<std::int32_t>::max();

[[noreturn]] void bad(const std::string& where, const std::string& what, std::string_view remedy = {}) {
  throw Error(ErrorKind::kBadInput, where, what, remedy);
}

std::vector<TokenId> read_ids(const Value::List& list, std::string_view key, const RequestRules& rules,
                              const std::string& where) {
  std::vector<TokenId> ids;
  ids.reserve(list.size());
  for (const Value& item : list) {
    if (!item.is_integer())
      bad(where, "'" + std::string(key) + "' must hold token ids, found " + std::string(kind_name(item.kind())));
    if (item.integer() < 0 || item.integer() >= rules.vocab_size)
      bad(where, "'" + std::string(key) + "' holds " + std::to_string(item.integer()) + ", outside the vocabulary of " +
                     std::to_string(rules.vocab_size) + " tokens");
    ids.push_back(static_cast<TokenId>(item.integer()));
  }
  return ids;
}

Value read_id(Fields& fields, std::size_t number) {
  const Value* id = fields.optional_any("id");
  if (id == nullptr) return Value(number);
  if (!id->is_text() && !id->is_integer()) bad(fields.where(), "'id' must be text or an integer");
  return *id;
}

/// Which one of `keys` is there. Exactly one must be.
std::string one_of(const Fields& fields, const std::vector<std::string>& keys) {
  std::string found, all;
  for (const std::string& key : keys) {
    all += (all.empty() ? "'" : key == keys.back() ? " or '" : ", '") + key + "'";
    if (!fields.has(key)) continue;
    if (!found.empty()) bad(fields.where(), "has both '" + found + "' and '" + key + "'", "give one of them");
    found = key;
  }
  if (found.empty()) bad(fields.where(), "has no " + all);
  return found;
}

std::int64_t bounded(Fields& fields, std::string_view key, std::int64_t otherwise, std::int64_t low,
                     std::int64_t high) {
  const std::int64_t value = fields.optional_integer(key).value_or(otherwise);
  if (value < low || value > high)
    bad(fields.where(), "'" + std::string(key) + "' is " + std::to_string(value) + ", outside " + std::to_string(low) +
                            " to " + std::to_string(high));
  return value;
}

double bounded_real(Fields& fields, std::string_view key, double otherwise, double low, double high) {
  const double value = fields.optional_real(key).value_or(otherwise);
  if (!(value >= low && value <= high)) bad(fields.where(), "'" + std::string(key) + "' is out of range");
  return value;
}

ScoreRequest read_score_request(Fields& fields, const RequestRules& rules) {
  ScoreRequest request;
  const std::string context = one_of(fields, {"context", "context_ids"});
  const bool has_continuation = fields.has("continuation") || fields.has("continuation_ids");
  const std::string continuation =
      has_continuation ? one_of(fields, {"continuation", "continuation_ids"}) : "continuation_ids";
  request.top = static_cast<int>(bounded(fields, "top", 0, 0, rules.vocab_size));
  if (!has_continuation && request.top == 0) bad(fields.where(), "has neither a continuation nor 'top'");

  if (context == "context" && continuation == "continuation") {
    suites::EncodedPair pair =
        suites::encode_pair(rules.tokenizer, fields.text("context"), fields.text("continuation"), kUnlimited);
    request.context = std::move(pair.context);
    request.continuation = std::move(pair.continuation);
  } else {
    request.context = context == "context" ? encode_whole_prompt(rules.tokenizer, fields.text("context"))
                                           : read_ids(fields.list("context_ids"), context, rules, fields.where());
    if (continuation == "continuation")
      request.continuation = rules.tokenizer.encode(fields.text("continuation"), false);
    else if (const Value* ids = fields.optional_list("continuation_ids"))
      request.continuation = read_ids(ids->list(), continuation, rules, fields.where());
  }

  if (request.context.empty()) bad(fields.where(), "the context holds no token", "begin it with the model's BOS token");
  // The last token is only predicted, never read: it needs no place in the context.
  const std::size_t rows =
      request.context.size() + request.continuation.size() - (request.continuation.empty() ? 0 : 1);
  if (static_cast<std::int64_t>(rows) > rules.context_length)
    bad(fields.where(),
        "context and continuation have " + std::to_string(request.context.size() + request.continuation.size()) +
            " tokens, the model's context is " + std::to_string(rules.context_length),
        "shorten it");
  return request;
}

std::vector<TokenId> read_prompt(Fields& fields, const RequestRules& rules) {
  const std::string kind = one_of(fields, {"prompt", "prompt_ids", "messages"});
  const std::string prefill = fields.optional_text("prefill").value_or("");
  if (kind == "prompt") return encode_whole_prompt(rules.tokenizer, fields.text("prompt") + prefill);
  if (kind == "messages") {
    const Value::List& messages = fields.list("messages");
    if (!rules.chat) bad(fields.where(), "has 'messages', but the model has no chat template", "give 'prompt' instead");
    // The template writes the special tokens itself.
    try {
      return rules.tokenizer.encode(rules.chat(messages) + prefill, false);
    } catch (const Error& error) {
      bad(fields.where(), error.what());
    }
  }
  std::vector<TokenId> ids = read_ids(fields.list("prompt_ids"), kind, rules, fields.where());
  if (!prefill.empty()) {
    const std::vector<TokenId> more = rules.tokenizer.encode(prefill, false);
    ids.insert(ids.end(), more.begin(), more.end());
  }
  return ids;
}

GenerateRequest read_generate_request(Fields& fields, const RequestRules& rules) {
  GenerateRequest request;
  request.prompt = read_prompt(fields, rules);
  if (request.prompt.empty()) bad(fields.where(), "the prompt holds no token", "begin it with the model's BOS token");
  const std::int64_t room = rules.context_length - static_cast<std::int64_t>(request.prompt.size());
  if (room < 1)
    bad(fields.where(),
        "the prompt has " + std::to_string(request.prompt.size()) + " tokens, the model's context is " +
            std::to_string(rules.context_length),
        "shorten it");
  const std::int64_t max_tokens =
      bounded(fields, "max_tokens", std::min(kDefaultMaxTokens, room), 1, std::numeric_limits<std::int32_t>::max());
  if (max_tokens > room)
    bad(fields.where(),
        "the prompt's " + std::to_string(request.prompt.size()) + " tokens and 'max_tokens' " +
            std::to_string(max_tokens) + " exceed the model's context of " + std::to_string(rules.context_length),
        "lower 'max_tokens'");
  request.max_tokens = static_cast<int>(max_tokens);
  request.stop = fields.optional_texts("stop");
  if (std::ranges::count(request.stop, "") > 0) bad(fields.where(), "'stop' holds an empty text");
  request.sampling.temperature = static_cast<float>(bounded_real(fields, "temperature", 0.0, 0.0, 100.0));
  request.sampling.top_p = static_cast<float>(bounded_real(fields, "top_p", 1.0, 0.0, 1.0));
  request.sampling.top_k = static_cast<int>(bounded(fields, "top_k", 0, 0, rules.vocab_size));
  request.sampling.seed =
      static_cast<std::uint64_t>(bounded(fields, "seed", 0, 0, std::numeric_limits<std::int64_t>::max()));
  request.ignore_eos = fields.optional_boolean("ignore_eos").value_or(false);
  return request;
}

/// A misspelt key is named before anything that is missing because of it.
void refuse_unknown_keys(const Value& value, const std::string& where, const std::vector<std::string>& known) {
  Fields fields(value, where);
  for (const std::string& key : known) fields.ignore(key);
  fields.finish();
}

template <typename Request>
std::vector<RequestLine<Request>> read_requests(const std::string& path, const RequestRules& rules,
                                                const std::vector<std::string>& known,
                                                Request (*read)(Fields&, const RequestRules&)) {
  std::vector<RequestLine<Request>> lines;
  read_json_lines(path, [&](const Value& value, const std::string& where) {
    refuse_unknown_keys(value, where, known);
    Fields fields(value, where);
    RequestLine<Request> line{.id = read_id(fields, lines.size()), .where = where, .request = {}};
    line.request = read(fields, rules);
    lines.push_back(std::move(line));
  });
  return lines;
}

}  // namespace

std::vector<TokenId> encode_whole_prompt(const text::Tokenizer& tokenizer, const std::string& prompt) {
  return suites::encode_prompt(tokenizer, prompt, kUnlimited, 0);
}

std::vector<RequestLine<ScoreRequest>> read_score_requests(const std::string& path, const RequestRules& rules) {
  return read_requests<ScoreRequest>(
      path, rules, {"id", "context", "context_ids", "continuation", "continuation_ids", "top"}, read_score_request);
}

std::vector<RequestLine<GenerateRequest>> read_generate_requests(const std::string& path, const RequestRules& rules) {
  return read_requests<GenerateRequest>(path, rules,
                                        {"id", "prompt", "prompt_ids", "messages", "max_tokens", "stop", "temperature",
                                         "top_p", "top_k", "seed", "prefill", "ignore_eos"},
                                        read_generate_request);
}

}  // namespace candor::harness
