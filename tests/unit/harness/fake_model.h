// A model whose answers are a hash of the request: as deterministic as the engine, without weights.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/language_model.h"

namespace candor::harness {

class FakeModel : public engine::LanguageModel {
 public:
  explicit FakeModel(const text::Tokenizer* tokenizer = nullptr, std::uint64_t salt = 0)
      : tokenizer_(tokenizer), salt_(salt) {}

  const text::Tokenizer& tokenizer() const override {
    CANDOR_CHECK(tokenizer_ != nullptr, "this test has no tokenizer");
    return *tokenizer_;
  }
  std::int64_t context_length() const override { return context_; }
  std::string fingerprint() const override { return "fake"; }

  engine::Usage score(std::span<const engine::ScoreRequest> requests,
                      engine::Sink<engine::ScoreResult>& sink) override {
    return work<engine::ScoreResult>(requests, sink, [&](const engine::ScoreRequest& request) {
      engine::ScoreResult result;
      std::uint64_t state = hash(request.context, salt_);
      for (const engine::TokenId id : request.continuation) {
        state = mix(state, static_cast<std::uint64_t>(id));
        result.token_logprobs.push_back(-static_cast<float>(state % 1000) / 100.0f);
        result.logprob += result.token_logprobs.back();
        result.greedy = result.greedy && state % 2 == 0;
      }
      return result;
    });
  }

  engine::Usage generate(std::span<const engine::GenerateRequest> requests,
                         engine::Sink<engine::GenerateResult>& sink) override {
    return work<engine::GenerateResult>(requests, sink, [&](const engine::GenerateRequest& request) {
      const std::uint64_t state = hash(request.prompt, salt_);
      engine::GenerateResult result;
      result.ids = {static_cast<engine::TokenId>(state % 100), static_cast<engine::TokenId>(state / 100 % 100)};
      result.text = " " + std::to_string(state % 20);
      result.finish = engine::FinishReason::kEos;
      return result;
    });
  }

  void set_context(std::int64_t tokens) { context_ = tokens; }
  /// How many requests were answered, of either kind, since the model was made.
  std::size_t answered() const { return answered_; }

 private:
  static std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    return (a ^ (b + 0x9e3779b97f4a7c15ull + (a << 6) + (a >> 2))) * 0xff51afd7ed558ccdull >> 7;
  }
  static std::uint64_t hash(const std::vector<engine::TokenId>& ids, std::uint64_t state) {
    for (const engine::TokenId id : ids) state = mix(state, static_cast<std::uint64_t>(id));
    return state;
  }

  /// Last request first: callers must not count on an order.
  template <typename Result, typename Request, typename Answer>
  engine::Usage work(std::span<const Request> requests, engine::Sink<Result>& sink, Answer answer) {
    engine::Usage usage;
    for (std::size_t i = requests.size(); i-- > 0;) {
      if (sink.cancelled()) break;
      sink.result(i, answer(requests[i]));
      ++answered_;
      ++usage.requests_done;
      usage.tokens_computed += 3;
      sink.progress(usage);
    }
    return usage;
  }

  const text::Tokenizer* tokenizer_;
  std::uint64_t salt_;
  std::int64_t context_ = 4096;
  std::size_t answered_ = 0;
};

}  // namespace candor::harness
