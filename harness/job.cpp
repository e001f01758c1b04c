#include "harness/job.h"

#include <chrono>

#include "base/error.h"

namespace candor::harness {
namespace {

using Clock = std::chrono::steady_clock;
using engine::GenerateRequest;
using engine::GenerateResult;
using engine::ScoreRequest;
using engine::ScoreResult;
using results::Response;

constexpr std::chrono::milliseconds kWriteInterval{1000};

Value ids_value(const std::vector<engine::TokenId>& ids) {
  Value::List list;
  list.reserve(ids.size());
  for (const engine::TokenId id : ids) list.emplace_back(id);
  return list;
}

Response to_response(const std::string& key, ScoreResult result) {
  Response response;
  response.key = key;
  response.kind = "score";
  response.logprob = result.logprob;
  response.greedy = result.greedy;
  response.token_logprobs = std::move(result.token_logprobs);
  return response;
}

Response to_response(const std::string& key, GenerateResult result) {
  Response response;
  response.key = key;
  response.kind = "generate";
  response.ids = std::move(result.ids);
  response.text = std::move(result.text);
  response.finish_reason = engine::finish_reason_name(result.finish);
  return response;
}

/// Collects responses and writes them in short transactions, so that another process can write in between.
class ResponseWriter {
 public:
  ResponseWriter(results::Store& store, JobOutcome& outcome) : store_(store), outcome_(outcome) {}

  void add(Response response) {
    waiting_.push_back(std::move(response));
    write_if_due();
  }

  void write_if_due() {
    if (Clock::now() - written_ >= kWriteInterval) write();
  }

  void write() {
    written_ = Clock::now();
    if (waiting_.empty()) return;
    const results::Store::Transaction transaction(store_);
    for (const Response& response : waiting_)
      if (!store_.put_response(response)) outcome_.differing.push_back(response.key);
    waiting_.clear();
  }

 private:
  results::Store& store_;
  JobOutcome& outcome_;
  std::vector<Response> waiting_;
  Clock::time_point written_ = Clock::now();
};

template <typename Result>
class StoringSink final : public engine::Sink<Result> {
 public:
  StoringSink(const std::vector<std::string>& keys, ResponseWriter& writer, Progress& progress,
              const std::function<bool()>& cancelled)
      : keys_(keys), writer_(writer), progress_(progress), cancelled_(cancelled) {}

  void result(std::size_t request, Result result) override {
    writer_.add(to_response(keys_.at(request), std::move(result)));
  }
  void progress(const engine::Usage& usage) override {
    writer_.write_if_due();
    progress_.update(usage);
  }
  bool cancelled() override { return cancelled_ && cancelled_(); }

 private:
  const std::vector<std::string>& keys_;
  ResponseWriter& writer_;
  Progress& progress_;
  const std::function<bool()>& cancelled_;
};

/// The part of a job's requests of one kind that has to be computed.
template <typename Request>
struct Work {
  std::vector<Request> requests;
  std::vector<std::string> keys;
};

template <typename Requests>
auto to_compute(const Requests& all, const results::Store& store, bool fresh, JobOutcome& outcome) {
  Work<typename decltype(all.requests)::value_type> work;
  for (std::size_t i = 0; i < all.keys.size(); ++i) {
    if (!fresh && store.has_response(all.keys[i])) {
      ++outcome.reused;
      continue;
    }
    work.requests.push_back(all.requests[i]);
    work.keys.push_back(all.keys[i]);
  }
  return work;
}

template <typename Result, typename Request, typename Compute>
void compute(const Work<Request>& work, const char* label, results::Store& store, const JobOptions& options,
             JobOutcome& outcome, Compute compute) {
  if (work.requests.empty() || outcome.interrupted) return;
  ResponseWriter writer(store, outcome);
  Progress progress(label, options.progress);
  StoringSink<Result> sink(work.keys, writer, progress, options.cancelled);
  const engine::Usage usage = compute(work.requests, sink);
  writer.write();
  outcome.usage.requests_done += usage.requests_done;
  outcome.usage.tokens_requested += usage.tokens_requested;
  outcome.usage.tokens_computed += usage.tokens_computed;
  outcome.usage.tokens_total += usage.tokens_total;
  outcome.interrupted = usage.requests_done < work.requests.size();
}

template <typename Requests, typename Request>
std::string add_request(Requests& all, Request request, const std::string& fingerprint,
                        std::unordered_map<std::string, std::size_t>& places) {
  std::string key = results::response_key(fingerprint, canonical_request(request));
  const auto [place, added] = places.emplace(key, all.keys.size());
  if (added) {
    all.requests.push_back(std::move(request));
    all.keys.push_back(key);
    all.times.push_back(0);
  }
  ++all.times[place->second];
  return key;
}

}  // namespace

Value canonical_request(const ScoreRequest& request) {
  return Dict{{"kind", "score"},
              {"context", ids_value(request.context)},
              {"continuation", ids_value(request.continuation)},
              {"top", request.top}};
}

Value canonical_request(const GenerateRequest& request) {
  Value::List stop;
  for (const std::string& text : request.stop) stop.emplace_back(text);
  Dict canonical{{"kind", "generate"},
                 {"prompt", ids_value(request.prompt)},
                 {"max_tokens", request.max_tokens},
                 {"stop", std::move(stop)},
                 {"ignore_eos", request.ignore_eos}};
  if (request.sampling.temperature > 0.0f) {
    canonical.set("temperature", static_cast<double>(request.sampling.temperature));
    canonical.set("top_p", static_cast<double>(request.sampling.top_p));
    canonical.set("top_k", request.sampling.top_k);
    // As text: a 64-bit seed need not fit a JSON integer.
    canonical.set("seed", std::to_string(request.sampling.seed));
  }
  return canonical;
}

std::string Job::add(ScoreRequest request) {
  return add_request(scores_, std::move(request), fingerprint_, places_);
}

std::string Job::add(GenerateRequest request) {
  return add_request(generations_, std::move(request), fingerprint_, places_);
}

JobOutcome answer(const Job& job, engine::LanguageModel& model, results::Store& store, const JobOptions& options) {
  JobOutcome outcome;
  outcome.requests = static_cast<std::int64_t>(job.size());
  const Clock::time_point start = Clock::now();
  const auto scores = to_compute(job.scores(), store, options.fresh, outcome);
  const auto generations = to_compute(job.generations(), store, options.fresh, outcome);
  compute<ScoreResult>(scores, "scoring", store, options, outcome,
                       [&](const auto& requests, auto& sink) { return model.score(requests, sink); });
  compute<GenerateResult>(generations, "generating", store, options, outcome,
                          [&](const auto& requests, auto& sink) { return model.generate(requests, sink); });
  outcome.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return outcome;
}

std::int64_t tokens_requested(const Job& job, const results::Store& store) {
  std::size_t tokens = 0;
  for (std::size_t i = 0; i < job.scores().keys.size(); ++i) {
    const ScoreRequest& request = job.scores().requests[i];
    tokens += static_cast<std::size_t>(job.scores().times[i]) * (request.context.size() + request.continuation.size());
  }
  for (std::size_t i = 0; i < job.generations().keys.size(); ++i) {
    const std::optional<Response> response = store.response(job.generations().keys[i]);
    const std::size_t answer = response ? response->ids.size() : 0;
    tokens +=
        static_cast<std::size_t>(job.generations().times[i]) * (job.generations().requests[i].prompt.size() + answer);
  }
  return static_cast<std::int64_t>(tokens);
}

}  // namespace candor::harness
