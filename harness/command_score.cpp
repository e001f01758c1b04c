#include <cstdio>

#include "base/error.h"
#include "base/json.h"
#include "harness/command.h"
#include "harness/interrupt.h"
#include "harness/options.h"
#include "harness/output.h"
#include "harness/request_run.h"

namespace candor::harness {
namespace {

Value ids_value(const std::vector<engine::TokenId>& ids) {
  Value::List list;
  list.reserve(ids.size());
  for (const engine::TokenId id : ids) list.emplace_back(id);
  return list;
}

Value result_line(const RequestLine<engine::ScoreRequest>& line, const engine::ScoreResult& result) {
  Value::List logprobs, top;
  for (const float logprob : result.token_logprobs) logprobs.emplace_back(static_cast<double>(logprob));
  for (const auto& [id, logprob] : result.top) top.emplace_back(Value::List{id, static_cast<double>(logprob)});
  return Dict{{"id", line.id},
              {"logprob", result.logprob},
              {"greedy", result.greedy},
              {"token_logprobs", std::move(logprobs)},
              {"context_ids", ids_value(line.request.context)},
              {"continuation_ids", ids_value(line.request.continuation)},
              {"top", std::move(top)}};
}

class ScoreCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.add(
        {.names = "file", .help = "Requests as JSON Lines; - for standard input", .value = "FILE", .required = true},
        file_);
    arguments.add({.names = "--model,-m",
                   .help = "GGUF file, Hugging Face folder, or smollm2",
                   .value = "MODEL",
                   .required = true},
                  model_);
    engine_.declare(arguments);
    arguments.flag({.names = "--quiet,-q", .help = "No progress"}, quiet_);
    arguments.flag({.names = "--json", .help = "As --quiet: results and summary are JSON anyway"}, quiet_json_);
  }

  int run() override {
    const std::unique_ptr<engine::LocalModel> model = open_model(model_, engine_);
    const auto lines = read_score_requests(file_, request_rules(*model, model_));
    OrderedOutput output;
    const JobCost cost = run_score(
        *model, lines, Progress::mode(quiet_ || quiet_json_),
        [&](std::size_t i, const engine::ScoreResult& result) { output.put(i, result_line(lines[i], result)); });
    output.close(cost.interrupted);
    std::fprintf(stderr, "%s\n", to_json(cost_summary(cost)).c_str());
    return cost.interrupted ? kInterruptedExitCode : 0;
  }

 private:
  std::string file_, model_;
  EngineArguments engine_;
  bool quiet_ = false, quiet_json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_score_command() {
  return std::make_unique<ScoreCommand>();
}

}  // namespace candor::harness
