#include "harness/task_plan.h"

#include <algorithm>

#include "base/error.h"

namespace candor::harness {
namespace {

using suites::RequestKind;
using suites::TaskRequest;
using suites::TaskResponse;

/// A document of this shard: where its requests' responses are.
struct PlannedDocument {
  std::size_t document = 0;  ///< Index in the task.
  std::vector<RequestKind> kinds;
  std::vector<std::vector<std::string>> keys;  ///< By request; several for a rolling text.
};

struct PlannedTask {
  suites::Task task;
  std::vector<PlannedDocument> documents;
};

class TaskPlan final : public Plan {
 public:
  TaskPlan(std::vector<suites::Task> tasks, const engine::LanguageModel& model, results::Manifest manifest,
           const TaskPlanOptions& options)
      : manifest_(std::move(manifest)),
        job_(manifest_.model_fingerprint),
        seed_(options.seed),
        groups_(options.groups) {
    const TaskEncoding encoding{model.tokenizer(), model.context_length()};
    Dict data = manifest_.data.is_dict() ? manifest_.data.dict() : Dict();
    for (suites::Task& task : tasks) {
      for (const suites::DataFile& file : task.data_files()) data.set(file.path, file.sha256);
      for (const std::string& note : task.notes()) notes_.push_back(task.name() + ": " + note);
      tasks_.push_back({std::move(task), {}});
      plan(tasks_.back(), encoding, options.shard);
    }
    manifest_.data = std::move(data);
  }

  const results::Manifest& manifest() const override { return manifest_; }
  const Job& job() const override { return job_; }
  const std::vector<results::Sample>& samples() const override { return samples_; }
  const std::vector<std::string>& notes() const override { return notes_; }

  Scored score(const ResponseReader& response) const override {
    Scored scored;
    std::map<std::string, std::vector<suites::AggregateScore>> aggregates;
    for (const PlannedTask& planned : tasks_) aggregates[planned.task.name()] = score_task(planned, response, scored);
    if (!groups_) return scored;
    for (const suites::GroupScore& group : groups_(aggregates))
      for (const suites::AggregateScore& aggregate : group.scores)
        scored.metrics.push_back(metric_row(group.group, aggregate));
    return scored;
  }

 private:
  void plan(PlannedTask& planned, const TaskEncoding& encoding, const Shard& shard) {
    const suites::Task& task = planned.task;
    std::size_t truncated = 0, next = 0;
    const std::vector<TaskRequest>& requests = task.requests();
    for (std::size_t document = 0; document < task.documents(); ++document) {
      const int doc_id = next < requests.size() ? requests[next].doc_id : 0;
      PlannedDocument target{.document = document, .kinds = {}, .keys = {}};
      for (; next < requests.size() && requests[next].doc_id == doc_id; ++next)
        if (shard.has(document)) truncated += plan_request(requests[next], task, encoding, target) ? 1 : 0;
      if (shard.has(document)) planned.documents.push_back(std::move(target));
    }
    CANDOR_CHECK(next == requests.size(), "requests without a document");
    if (truncated > 0)
      notes_.push_back(task.name() + ": " + std::to_string(truncated) + " prompts were longer than the context of " +
                       std::to_string(encoding.max_length) + " tokens and were cut on the left, as the reference does");
  }

  /// @returns whether the prompt had to be cut.
  bool plan_request(const TaskRequest& request, const suites::Task& task, const TaskEncoding& encoding,
                    PlannedDocument& target) {
    target.kinds.push_back(request.kind);
    std::vector<std::string>& keys = target.keys.emplace_back();
    const std::string question = task.question(target.document);
    bool truncated = false;
    if (request.kind == RequestKind::kGenerateUntil) {
      EncodedGeneration encoded = encode_generation(request, task.name(), seed_, encoding);
      truncated = encoded.truncated;
      keys.push_back(job_.add(std::move(encoded.request)));
    } else {
      EncodedScores encoded = encode_scores(request, encoding);
      truncated = encoded.truncated;
      for (engine::ScoreRequest& window : encoded.requests) keys.push_back(job_.add(std::move(window)));
    }
    Dict input{{"question", question}};
    if (request.kind != RequestKind::kLoglikelihoodRolling) input.set("context", request.context);
    if (request.kind != RequestKind::kGenerateUntil)
      input.set("continuation", request.continuation);
    else
      input.set("generation_kwargs", request.generation_kwargs);
    for (std::size_t i = 0; i < keys.size(); ++i)
      samples_.push_back({.task = task.name(),
                          .doc_id = request.doc_id,
                          .index = request.index + static_cast<std::int64_t>(i),  // rolling: the window
                          .response_key = keys[i],
                          .input = input});
    return truncated;
  }

  static TaskResponse combined(RequestKind kind, const std::vector<std::string>& keys, const ResponseReader& read) {
    TaskResponse response;
    response.greedy = kind != RequestKind::kGenerateUntil;
    for (const std::string& key : keys) {
      results::Response part = read(key);
      response.logprob += part.logprob;
      response.greedy = response.greedy && part.greedy;
      response.text = std::move(part.text);
    }
    return response;
  }

  static std::vector<suites::AggregateScore> score_task(const PlannedTask& planned, const ResponseReader& read,
                                                        Scored& scored) {
    std::vector<suites::DocumentScore> documents;
    std::vector<std::vector<TaskResponse>> responses;
    for (const PlannedDocument& target : planned.documents) {
      std::vector<TaskResponse>& answers = responses.emplace_back();
      for (std::size_t i = 0; i < target.keys.size(); ++i)
        answers.push_back(combined(target.kinds[i], target.keys[i], read));
      documents.push_back(planned.task.score(target.document, answers));
      add_scores(planned.task.name(), documents.back(), scored);
    }
    if (documents.empty()) return {};
    std::vector<suites::AggregateScore> aggregates = planned.task.aggregate(documents, responses);
    for (const suites::AggregateScore& aggregate : aggregates)
      scored.metrics.push_back(metric_row(planned.task.name(), aggregate));
    return aggregates;
  }

  static results::Metric metric_row(const std::string& name, const suites::AggregateScore& aggregate) {
    results::Metric metric;
    metric.task = name;
    metric.metric = aggregate.metric;
    metric.filter = aggregate.filter;
    metric.value = aggregate.value;
    metric.standard_error = aggregate.standard_error;
    if (aggregate.interval) metric.low = aggregate.interval->first, metric.high = aggregate.interval->second;
    metric.n = aggregate.n;
    metric.higher_is_better = aggregate.higher_is_better;
    return metric;
  }

  static void add_scores(const std::string& task, const suites::DocumentScore& document, Scored& scored) {
    for (const suites::MetricValue& metric : document.metrics) {
      Dict detail{{"target", document.target}};
      for (const auto& [filter, answer] : document.filtered)
        if (filter == metric.filter) detail.set("answer", answer);
      scored.scores.push_back({.task = task,
                               .doc_id = document.doc_id,
                               .metric = metric.metric,
                               .filter = metric.filter,
                               .value = metric.value,
                               .detail = std::move(detail)});
    }
  }

  results::Manifest manifest_;
  Job job_;
  std::uint64_t seed_;
  decltype(TaskPlanOptions::groups) groups_;
  std::vector<PlannedTask> tasks_;
  std::vector<results::Sample> samples_;
  std::vector<std::string> notes_;
};

}  // namespace

std::unique_ptr<Plan> plan_tasks(std::vector<suites::Task> tasks, const engine::LanguageModel& model,
                                 results::Manifest manifest, const TaskPlanOptions& options) {
  return std::make_unique<TaskPlan>(std::move(tasks), model, std::move(manifest), options);
}

}  // namespace candor::harness
