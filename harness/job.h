// The requests of a run, each once, and their answers: what the store has is not computed again.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/language_model.h"
#include "harness/progress.h"
#include "results/store.h"

namespace candor::harness {

/// Requests to one model, without repetitions.
class Job {
 public:
  /// @param model_fingerprint  part of every response's key.
  explicit Job(std::string model_fingerprint) : fingerprint_(std::move(model_fingerprint)) {}

  /// @returns the key under which the store has, or will have, the response.
  std::string add(engine::ScoreRequest request);
  std::string add(engine::GenerateRequest request);

  struct Scores {
    std::vector<engine::ScoreRequest> requests;
    std::vector<std::string> keys;
    std::vector<int> times;  ///< How often each was added.
  };
  struct Generations {
    std::vector<engine::GenerateRequest> requests;
    std::vector<std::string> keys;
    std::vector<int> times;
  };
  const Scores& scores() const noexcept { return scores_; }
  const Generations& generations() const noexcept { return generations_; }
  std::size_t size() const noexcept { return scores_.keys.size() + generations_.keys.size(); }

 private:
  std::string fingerprint_;
  Scores scores_;
  Generations generations_;
  std::unordered_map<std::string, std::size_t> places_;
};

struct JobOptions {
  bool fresh = false;  ///< Compute everything, and check that the store's responses have the same bits.
  Progress::Mode progress = Progress::Mode::kOff;
  std::function<bool()> cancelled = nullptr;
};

struct JobOutcome {
  std::int64_t requests = 0;  ///< Distinct ones.
  std::int64_t reused = 0;    ///< Of those: not computed, because the store had them.
  engine::Usage usage;        ///< Of what was computed.
  double seconds = 0.0;
  bool interrupted = false;
  std::vector<std::string> differing;  ///< Keys whose stored response has other bits than the one just computed.
};

/// Gets every response into the store. They are written about once a second, whole: a process killed at any moment
/// loses no more than that.
JobOutcome answer(const Job& job, engine::LanguageModel& model, results::Store& store, const JobOptions& options);

/// Tokens of all requests added, repetitions included: context and continuation, or prompt and answer.
std::int64_t tokens_requested(const Job& job, const results::Store& store);

/// What a response's key is made of: all that decides its bits. Sampling settings count only where they are used.
Value canonical_request(const engine::ScoreRequest& request);
Value canonical_request(const engine::GenerateRequest& request);

}  // namespace candor::harness
