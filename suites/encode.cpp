// Texts to token ids as lm-evaluation-harness's HFLM makes them (lm_eval/api/model.py, models/huggingface.py).

#include <algorithm>

#include "base/error.h"
#include "engine/text/python.h"
#include "suites/suites.h"

namespace candor::suites {
namespace {

using text::TokenId;
using text::Tokenizer;

TokenId prefix_token(const Tokenizer& tokenizer) {
  const std::optional<TokenId> prefix = tokenizer.bos() ? tokenizer.bos() : tokenizer.eos();
  if (!prefix)
    throw Error(ErrorKind::kBadInput, "tokenizer", "it has neither a beginning nor an end token",
                "a text without context needs one to be scored");
  return *prefix;
}

bool begins_with_token(const Tokenizer& tokenizer, const std::string& text, std::optional<TokenId> token) {
  if (!token) return false;
  const std::string written = tokenizer.decode(std::vector{*token}, false);
  return !written.empty() && text.starts_with(written);
}

/// HFLM.tok_encode: a rendered chat that brings its own beginning token gets no second one.
std::vector<TokenId> encode_text(const Tokenizer& tokenizer, const std::string& text) {
  const std::optional<TokenId> prefix = tokenizer.bos() ? tokenizer.bos() : tokenizer.eos();
  return tokenizer.encode(text, !begins_with_token(tokenizer, text, prefix));
}

void cut_left(EncodedPair& pair, std::int64_t max_length) {
  const auto limit = static_cast<std::size_t>(max_length) + 1;
  const std::size_t total = pair.context.size() + pair.continuation.size();
  if (total <= limit) return;
  const std::size_t drop = total - limit;
  if (drop < pair.context.size()) {
    pair.context.erase(pair.context.begin(), pair.context.begin() + static_cast<std::ptrdiff_t>(drop));
    return;
  }
  // The continuation alone fills the window: its first token that is left becomes the context of the others.
  std::vector<TokenId> tail(pair.continuation.end() - static_cast<std::ptrdiff_t>(limit), pair.continuation.end());
  pair.context.assign(1, tail.front());
  pair.continuation.assign(tail.begin() + 1, tail.end());
}

}  // namespace

EncodedPair encode_pair(const Tokenizer& tokenizer, const std::string& context, const std::string& continuation,
                        std::int64_t max_length) {
  CANDOR_CHECK(max_length > 0, "a model's context must hold a token");
  EncodedPair pair;
  if (context.empty()) {
    pair.continuation = tokenizer.encode(continuation, false);
    pair.context.assign(1, prefix_token(tokenizer));
    if (!pair.continuation.empty() && pair.continuation.front() == pair.context.front())
      pair.continuation.erase(pair.continuation.begin());
  } else {
    const std::string stripped(text::rstrip(context));
    const std::vector<TokenId> whole = encode_text(tokenizer, context + continuation);
    pair.context = encode_text(tokenizer, stripped);
    const std::size_t border = std::min(pair.context.size(), whole.size());
    pair.continuation.assign(whole.begin() + static_cast<std::ptrdiff_t>(border), whole.end());
    // White space alone leaves no token to predict the first one from.
    if (pair.context.empty()) pair.context.assign(1, prefix_token(tokenizer));
  }
  cut_left(pair, max_length);
  return pair;
}

std::vector<TokenId> encode_prompt(const Tokenizer& tokenizer, const std::string& prompt, std::int64_t max_length,
                                   std::int64_t max_new) {
  CANDOR_CHECK(max_new >= 0 && max_new < max_length, "no room for a prompt");
  std::vector<TokenId> ids = tokenizer.encode(prompt, !begins_with_token(tokenizer, prompt, tokenizer.bos()));
  const auto room = static_cast<std::size_t>(max_length - max_new);
  if (ids.size() > room) ids.erase(ids.begin(), ids.end() - static_cast<std::ptrdiff_t>(room));
  return ids;
}

std::vector<EncodedPair> encode_rolling(const Tokenizer& tokenizer, const std::string& text, std::int64_t max_length) {
  CANDOR_CHECK(max_length > 0, "a model's context must hold a token");
  const std::vector<TokenId> ids = encode_text(tokenizer, text);
  const std::size_t size = ids.size(), window = static_cast<std::size_t>(max_length);
  const auto part = [&](std::size_t from, std::size_t to) {
    return std::vector<TokenId>(ids.begin() + static_cast<std::ptrdiff_t>(from),
                                ids.begin() + static_cast<std::ptrdiff_t>(to));
  };
  std::vector<EncodedPair> windows;
  if (ids.empty()) return windows;
  std::size_t predicted = std::min(window, size);
  windows.push_back({.context = {prefix_token(tokenizer)}, .continuation = part(0, predicted)});
  while (predicted < size) {
    const std::size_t end = std::min(size, predicted + window);
    // The model sees `window` tokens before the last one; those in front of the predicted ones are context.
    windows.push_back({.context = part(end - 1 - window, predicted), .continuation = part(predicted, end)});
    predicted = end;
  }
  return windows;
}

}  // namespace candor::suites
