// Capability benchmarks: task files in lm-evaluation-harness's schema become requests; responses become scores.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/value.h"
#include "engine/text/tokenizer.h"

namespace candor::suites {

enum class RequestKind { kLoglikelihood, kLoglikelihoodRolling, kGenerateUntil };
std::string_view kind_name(RequestKind kind);  ///< "loglikelihood", "loglikelihood_rolling", "generate_until".

/// One question to a model, as text; the order within a task is lm-eval's.
struct TaskRequest {
  int doc_id = 0;
  int index = 0;  ///< Within the document: the choice, or the repeat.
  RequestKind kind = RequestKind::kLoglikelihood;
  std::string context;       ///< Rolling: empty.
  std::string continuation;  ///< Rolling: the text. Generation: empty.
  Value generation_kwargs;   ///< Generation: a dict as lm-eval passes it on (until, max_gen_toks, do_sample,
                             ///< temperature...).
};

/// The answer to a request.
struct TaskResponse {
  double logprob = 0.0;  ///< Sum over the continuation (rolling: over the windows).
  bool greedy = false;
  std::string text;  ///< Generation.
};

struct MetricValue {
  std::string metric;  ///< "acc"
  std::string filter;  ///< "none", "strict-match"
  double value = 0.0;
};

/// What a document's responses were worth.
struct DocumentScore {
  int doc_id = 0;
  std::string target;                                   ///< For people: the right answer.
  std::vector<std::pair<std::string, Value>> filtered;  ///< By filter: what it made of the responses.
  std::vector<MetricValue> metrics;                     ///< One per metric and filter that has a value per document.
};

struct AggregateScore {
  std::string metric, filter;
  double value = 0.0;
  std::optional<double> standard_error;
  std::optional<std::pair<double, double>>
      interval;  ///< 95 %: Wilson for means of 0/1 values, else value ± 1.96 errors.
  bool higher_is_better = true;
  std::int64_t n = 0;
};

struct DataFile {
  std::string path, sha256;
};

/// Renders a chat: a list of {"role", "content"} messages; false as the second argument: continue the last message.
using ChatRenderer = std::function<std::string(const Value::List& messages, bool add_generation_prompt)>;

struct TaskOptions {
  std::string data_dir = ".";      ///< Paths in dataset_kwargs.data_files are relative to it.
  std::optional<int> num_fewshot;  ///< Overrides the file unless the file says 0.
  std::uint64_t seed = 1234;       ///< Of the few-shot draws.
  std::optional<double> limit;     ///< Documents; below 1: a fraction, rounded up.
  ChatRenderer chat;               ///< Set: --apply_chat_template.
  bool multiturn = false;          ///< fewshot_as_multiturn
  std::string system_instruction;
  Value generation_kwargs;            ///< Merged over the task's.
  int bootstrap_iterations = 100000;  ///< Of standard errors that have no formula; 0: none are computed.
};

/// A task with its data read and its prompts made. Immutable.
class Task {
 public:
  struct State;  ///< Private to the folder.
  explicit Task(std::unique_ptr<const State> state);
  Task(Task&&) noexcept;
  Task& operator=(Task&&) noexcept;
  ~Task();

  const std::string& name() const noexcept;
  std::size_t documents() const noexcept;  ///< After the limit.
  const Dict& document(std::size_t index) const noexcept;
  std::string question(std::size_t index) const;              ///< doc_to_text, for people.
  const std::vector<TaskRequest>& requests() const noexcept;  ///< By document, then index.
  const std::vector<DataFile>& data_files() const noexcept;
  /// Defects of the reference that were copied, documents among their own examples, columns pandas would have
  /// altered...
  const std::vector<std::string>& notes() const noexcept;

  /// @param responses  of the document's requests, in their order.
  DocumentScore score(std::size_t document, std::span<const TaskResponse> responses) const;
  /// Over all documents, in order (some metrics need more than the values per document: perplexity, f1).
  std::vector<AggregateScore> aggregate(std::span<const DocumentScore> documents,
                                        std::span<const std::vector<TaskResponse>> responses) const;

 private:
  std::unique_ptr<const State> state_;
};

/// Several tasks' scores as one.
struct GroupScore {
  std::string group;
  std::vector<AggregateScore> scores;  ///< n: documents of the tasks that have the metric.
};

struct TaskSummary {
  std::string name, kind /* "task", "group", "tag" */, output_type, description, file;
};

/// Task files: those shipped with the program and those of folders that the user names.
class TaskLibrary {
 public:
  /// The shipped tasks only.
  TaskLibrary();
  TaskLibrary(TaskLibrary&&) noexcept;
  ~TaskLibrary();

  /// A YAML file, or a folder of them (searched through). Later ones override earlier ones of the same name.
  /// @throws Error{kBadInput} naming file, line and key.
  void add(const std::string& path);

  std::vector<TaskSummary> list() const;
  /// Names of the leaf tasks that a task, group, tag or path of a YAML file stands for.
  /// @throws Error{kUsage} for an unknown name, with the nearest known one.
  std::vector<std::string> resolve(const std::string& name);
  /// Reads the data and makes the prompts. @throws Error{kBadInput}
  Task prepare(const std::string& name, const TaskOptions& options) const;
  /// Scores of a group that was resolved, and of its subgroups after it, from the scores of their leaf tasks; a task
  /// that is not in `tasks`, or lacks a metric, is left out of it. Empty if `name` is no group.
  std::vector<GroupScore> aggregate_groups(const std::string& name,
                                           const std::map<std::string, std::vector<AggregateScore>>& tasks) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Token ids of a context and its continuation as lm-eval's HFLM makes them (schema: "Encoding").
struct EncodedPair {
  std::vector<text::TokenId> context, continuation;
};
/// Trailing white space of the context moves to the continuation; whole = enc(context + continuation), cut at
/// len(enc(context)); empty context: the prefix token (BOS, else EOS). Cut on the left to `max_length` + 1 tokens.
EncodedPair encode_pair(const text::Tokenizer& tokenizer, const std::string& context, const std::string& continuation,
                        std::int64_t max_length);
/// A prompt to generate from: cut to its last max_length - max_new tokens.
std::vector<text::TokenId> encode_prompt(const text::Tokenizer& tokenizer, const std::string& prompt,
                                         std::int64_t max_length, std::int64_t max_new);
/// Rolling windows over a text.
std::vector<EncodedPair> encode_rolling(const text::Tokenizer& tokenizer, const std::string& text,
                                        std::int64_t max_length);

}  // namespace candor::suites
