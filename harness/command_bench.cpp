#include "base/error.h"
#include "harness/command.h"
#include "harness/interrupt.h"
#include "harness/options.h"
#include "harness/output.h"
#include "harness/request_run.h"

namespace candor::harness {
namespace {

Value rate(std::uint64_t tokens, double seconds) {
  return seconds > 0.0 ? Value(static_cast<double>(tokens) / seconds) : Value();
}

class BenchCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.add(
        {.names = "file", .help = "Requests as JSON Lines; - for standard input", .value = "FILE", .required = true},
        file_);
    arguments.add({.names = "--mode",
                   .help = "What the requests ask for",
                   .value = "score|generate",
                   .required = true,
                   .choices = {"score", "generate"}},
                  mode_);
    arguments.add({.names = "--model,-m",
                   .help = "GGUF file, Hugging Face folder, or smollm2",
                   .value = "MODEL",
                   .required = true},
                  model_);
    engine_.declare(arguments);
    arguments.flag({.names = "--quiet,-q", .help = "No progress"}, quiet_);
    arguments.flag({.names = "--json", .help = "As --quiet: the result is JSON anyway"}, quiet_json_);
  }

  int run() override {
    const std::unique_ptr<engine::LocalModel> model = open_model(model_, engine_);
    const RequestRules rules = request_rules(*model, model_);
    const Progress::Mode progress = Progress::mode(quiet_ || quiet_json_);
    JobCost cost;
    std::uint64_t tokens = 0;
    Value decode_rate;
    if (mode_ == "score") {
      const auto lines = read_score_requests(file_, rules);
      cost = run_score(*model, lines, progress, nullptr);
      for (const auto& line : lines) tokens += line.request.context.size() + line.request.continuation.size();
    } else {
      const auto lines = read_generate_requests(file_, rules);
      cost = run_generate(*model, lines, progress, nullptr);
      tokens = cost.new_tokens;
      decode_rate = rate(tokens, cost.decode_seconds);
    }
    if (cost.interrupted) return kInterruptedExitCode;

    Output output;
    output.json_line(Dict{{"seconds", cost.seconds},
                          {"requests", cost.requests},
                          {"tokens", static_cast<std::int64_t>(tokens)},
                          {"tokens_computed", static_cast<std::int64_t>(cost.usage.tokens_computed)},
                          {"tokens_per_second", rate(tokens, cost.seconds)},
                          {"decode_tokens_per_second", decode_rate},
                          {"peak_rss_bytes", static_cast<std::int64_t>(peak_rss_bytes())}});
    output.close();
    return 0;
  }

 private:
  std::string file_, mode_, model_;
  EngineArguments engine_;
  bool quiet_ = false, quiet_json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_bench_command() {
  return std::make_unique<BenchCommand>();
}

}  // namespace candor::harness
