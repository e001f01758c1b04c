#include "harness/program.h"

#include <algorithm>
#include <cstdio>

#include "base/error.h"
#include "base/fields.h"
#include "harness/command.h"
#include "harness/output.h"

namespace candor::harness {
namespace {

constexpr CommandEntry kCommands[] = {
    {"demo", "The main job on a small real model: evaluate, audit, compare, report", "candor demo", make_demo_command},
    {"run", "Run benchmarks and keep every sample in a store",
     "candor run gsm8k arc_challenge --model smollm2 --data datasets --db results.db --limit 20", make_run_command},
    {"audit", "Ask a model sensitive questions and matched controls, and judge its answers",
     "candor audit candor_demo --model smollm2 --db results.db", make_audit_command},
    {"compare", "Compare runs, paired by sample", "candor compare --db results.db 1 3", make_compare_command},
    {"report", "Write a self-contained HTML report", "candor report --db results.db --out report.html",
     make_report_command},
    {"runs", "List the runs of a store", "candor runs --db results.db", make_runs_command},
    {"tasks", "List the benchmarks", "candor tasks --include my_tasks", make_tasks_command},
    {"probes", "List the audits, or check a probe file", "candor probes --check my_probe.yaml", make_probes_command},
    {"info", "Show what a model is made of", "candor info smollm2", make_info_command},
    {"requests", "Print the exact prompts that a task makes",
     "candor requests gsm8k --data datasets --num-fewshot 8 --limit 1", make_requests_command},
    {"score", "Log-probabilities of continuations",
     "echo '{\"id\":1,\"context\":\"The sky is\",\"continuation\":\" blue\",\"top\":3}' | candor score --model smollm2 "
     "-",
     make_score_command},
    {"generate", "Generate text",
     "echo '{\"id\":1,\"messages\":[{\"role\":\"user\",\"content\":\"Hi!\"}],\"max_tokens\":32}' | "
     "candor generate --model smollm2 -",
     make_generate_command},
    {"tokenize", "Text to token ids and back",
     "echo '{\"text\":\"Hello, world!\"}' | candor tokenize --tokenizer smollm2 -", make_tokenize_command},
    {"render", "Render chat templates",
     "echo '{\"model\":\"smollm2\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi!\"}]}' | candor render -",
     make_render_command},
    {"normalize", "Normalise text as the rules see it", "echo '{\"text\":\"Ｈｅｌｌｏ\"}' | candor normalize -",
     make_normalize_command},
    {"judge", "Judge answers by the rules: candid, refused, deflected ...",
     "echo '{\"prompt\":\"Who won?\",\"response\":\"I cannot discuss that.\",\"lang\":\"en\"}' | candor judge -",
     make_judge_command},
    {"bench", "Measure the speed of scoring and generation", "candor bench --mode score --model smollm2 requests.jsonl",
     make_bench_command},
    {"fetch", "Download the demo's model into the cache", "candor fetch smollm2", make_fetch_command},
};

std::string overview() {
  std::string text =
      "Candor evaluates open-weight language models and audits their alignment.\n\n"
      "Usage: candor COMMAND [OPTIONS]\n\nCommands:\n";
  for (const CommandEntry& entry : kCommands) {
    std::string line = "  " + std::string(entry.name);
    line.resize(std::max<std::size_t>(line.size() + 1, 14), ' ');
    text += line + std::string(entry.summary) + "\n";
  }
  text +=
      "\n`candor COMMAND --help` shows a command's options and an example; `candor --version` the version.\n"
      "Exit codes: 0 done, 1 gate failed, 2 usage, 3 bad input, 4 could not run, 130 interrupted.\n\n"
      "Example:\n  candor demo\n";
  return text;
}

const CommandEntry& find_command(const std::string& name) {
  for (const CommandEntry& entry : kCommands)
    if (entry.name == name) return entry;
  std::vector<std::string> names;
  for (const CommandEntry& entry : kCommands) names.emplace_back(entry.name);
  const std::string meant = nearest(name, names);
  throw Error(ErrorKind::kUsage, "",
              name.starts_with('-') ? "option '" + name + "' must stand behind a command"
                                    : "there is no command '" + name + "'",
              meant.empty() ? "see `candor --help`" : "did you mean '" + meant + "'?");
}

int print(std::string_view text) {
  Output output;
  output.write(text);
  output.close();
  return 0;
}

}  // namespace

std::string_view version() {
  return CANDOR_VERSION;
}

int run_program(std::span<const std::string> arguments) {
  if (arguments.empty()) throw Error(ErrorKind::kUsage, "", "no command given", "see `candor --help`");
  const std::string& name = arguments.front();
  if (name == "--help" || name == "-h" || name == "help") return print(overview());
  if (name == "--version") return print("candor " + std::string(version()) + "\n");

  const CommandEntry& entry = find_command(name);
  const std::unique_ptr<Command> command = entry.make();
  Arguments parser{std::string(entry.name), std::string(entry.summary), std::string(entry.example)};
  command->declare(parser);
  if (const auto help = parser.parse(arguments.subspan(1))) return print(*help);
  return command->run();
}

}  // namespace candor::harness
