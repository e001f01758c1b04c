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

Value result_line(const RequestLine<engine::GenerateRequest>& line, const engine::GenerateResult& result) {
  Value::List ids;
  for (const engine::TokenId id : result.ids) ids.emplace_back(id);
  return Dict{{"id", line.id},
              {"text", result.text},
              {"ids", std::move(ids)},
              {"finish_reason", std::string(engine::finish_reason_name(result.finish))}};
}

class GenerateCommand final : public Command {
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
    const auto lines = read_generate_requests(file_, request_rules(*model, model_));
    OrderedOutput output;
    const JobCost cost = run_generate(
        *model, lines, Progress::mode(quiet_ || quiet_json_),
        [&](std::size_t i, const engine::GenerateResult& result) { output.put(i, result_line(lines[i], result)); });
    output.close(cost.interrupted);
    Value summary = cost_summary(cost);
    summary.dict().set("new_tokens", static_cast<std::int64_t>(cost.new_tokens));
    std::fprintf(stderr, "%s\n", to_json(summary).c_str());
    return cost.interrupted ? kInterruptedExitCode : 0;
  }

 private:
  std::string file_, model_;
  EngineArguments engine_;
  bool quiet_ = false, quiet_json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_generate_command() {
  return std::make_unique<GenerateCommand>();
}

}  // namespace candor::harness
