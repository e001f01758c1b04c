// The SQLite store of runs: one file, WAL, safe to kill at any moment.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"

namespace candor::results {

/// What a run was: everything needed to repeat it. Kept as the row of table `run`.
struct Manifest {
  std::string kind = {};   ///< "run" or "audit".
  std::string model = {};  ///< Name for people.
  std::string model_path = {};
  std::string model_fingerprint = {};  ///< LanguageModel::fingerprint: decides the responses' bits.
  Value names = {};                    ///< List of the tasks or probes asked for.
  Value options = {};                  ///< Dict: limit, num_fewshot, seed, precision...: what decides the requests.
  Value data = {};                     ///< Dict: file -> SHA-256 of data, task and probe files, and of the rules.
  Value machine = {};        ///< Dict: processor, threads, instruction set, memory. Not part of the run's identity.
  Value notes = {};          ///< List of texts: defects of the reference that were copied, prompts that were cut...
  std::string version = {};  ///< Of Candor.
};

struct RunTotals {
  std::int64_t requests = 0, reused = 0;  ///< Requests of the run; those whose response was in the store already.
  std::int64_t tokens_requested = 0, tokens_computed = 0;
  double seconds = 0.0;
};

struct Run {
  std::int64_t id = 0;
  Manifest manifest = {};
  std::string status = {};                  ///< "running", "finished", "interrupted".
  std::string started = {}, finished = {};  ///< ISO 8601, UTC.
  RunTotals totals = {};
};

/// A model's answer to one request, by content: the same request to the same model is stored once, whoever asks.
struct Response {
  std::string key = {};   ///< response_key().
  std::string kind = {};  ///< "score" or "generate".
  double logprob = 0.0;
  bool greedy = false;
  std::vector<float> token_logprobs = {};
  std::vector<std::int32_t> ids = {};
  std::string text = {};
  std::string finish_reason = {};
};

/// SHA-256 of the model's fingerprint and the request's canonical JSON.
std::string response_key(std::string_view model_fingerprint, const Value& request);

/// One request within a run: what was asked, for whom, and where the response is.
struct Sample {
  std::string task = {};    ///< Task or probe.
  std::int64_t doc_id = 0;  ///< Document, or prompt of the probe.
  std::int64_t index = 0;   ///< Request within the document.
  std::string response_key = {};
  Value input =
      {};  ///< Dict for people: "context", "continuation" or "messages"; probes: item, topic, role, language, framing.
};

/// What a document's responses were worth.
struct Score {
  std::string task = {};
  std::int64_t doc_id = 0;
  std::string metric = {}, filter = {};
  double value = 0.0;
  Value detail = {};  ///< Dict: target, filtered answer; probes: form, confidence, evidence spans, facts.
};

struct Metric {
  std::string task = {}, metric = {}, filter = {};
  double value = 0.0;
  std::optional<double> standard_error = {}, low = {}, high = {};
  std::int64_t n = 0;
  bool higher_is_better = true;
};

struct FindingRow {
  std::string probe = {}, measure = {}, topic = {}, language = {};
  double sensitive = 0.0, control = 0.0, effect = 0.0, low = 0.0, high = 0.0, p = 1.0, p_adjusted = 1.0;
  std::int64_t n_sensitive = 0, n_control = 0;
  Value evidence = {};  ///< List of doc_ids.
};

/// One connection; use from one thread. Every member throws Error{kBadInput} for a file that is not a store of this
/// version, Error{kCannotRun} when the disk is full or the store is locked by another process for 10 seconds.
class Store {
 public:
  enum class Mode { kRead, kWrite };
  /// kWrite creates the file if it is not there; kRead does not.
  Store(const std::string& path, Mode mode);
  Store(Store&&) noexcept;
  ~Store();

  const std::string& path() const noexcept;

  std::int64_t begin_run(const Manifest& manifest);
  /// The latest run with the same identity (kind, fingerprint, names, options, data, version) that did not finish.
  std::optional<Run> unfinished_run(const Manifest& manifest) const;
  void finish_run(std::int64_t run, std::string_view status, const RunTotals& totals);
  std::vector<Run> runs() const;
  Run run(std::int64_t id) const;  ///< @throws Error{kUsage} if there is none, naming those there are.

  bool has_response(std::string_view key) const;
  std::optional<Response> response(std::string_view key) const;
  /// Already there: checked to be the same bits. @returns false if they differ (the caller reports it); nothing
  /// changes.
  bool put_response(const Response& response);

  void put_samples(std::int64_t run, const std::vector<Sample>& samples);
  void put_scores(std::int64_t run, const std::vector<Score>& scores);
  void put_metrics(std::int64_t run, const std::vector<Metric>& metrics);
  void put_findings(std::int64_t run, const std::vector<FindingRow>& findings);
  /// Before scoring a resumed or finished run again: scores, metrics and findings of the run go.
  void clear_scores(std::int64_t run);

  std::vector<Sample> samples(std::int64_t run) const;  ///< By task, doc_id, index.
  std::vector<Score> scores(std::int64_t run) const;    ///< By task, doc_id, metric, filter.
  std::vector<Metric> metrics(std::int64_t run) const;
  std::vector<FindingRow> findings(std::int64_t run) const;

  /// Groups writes: commits when destroyed; rolls back when destroyed by an exception. Nests.
  class Transaction {
   public:
    explicit Transaction(Store& store);
    ~Transaction() noexcept(false);
    Transaction(const Transaction&) = delete;

   private:
    Store& store_;
    int exceptions_;
  };

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace candor::results
