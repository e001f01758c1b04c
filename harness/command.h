// One command of the program: `candor <name> ...`.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "harness/arguments.h"

namespace candor::harness {

class Command {
 public:
  virtual ~Command() = default;
  virtual void declare(Arguments& arguments) = 0;
  /// Called once, after the arguments were parsed. @returns the exit code. @throws Error
  virtual int run() = 0;
};

struct CommandEntry {
  std::string_view name, summary, example;
  std::unique_ptr<Command> (*make)();
};

// One per file command_<name>.cpp.
std::unique_ptr<Command> make_audit_command();
std::unique_ptr<Command> make_bench_command();
std::unique_ptr<Command> make_compare_command();
std::unique_ptr<Command> make_demo_command();
std::unique_ptr<Command> make_fetch_command();
std::unique_ptr<Command> make_generate_command();
std::unique_ptr<Command> make_info_command();
std::unique_ptr<Command> make_judge_command();
std::unique_ptr<Command> make_normalize_command();
std::unique_ptr<Command> make_probes_command();
std::unique_ptr<Command> make_render_command();
std::unique_ptr<Command> make_report_command();
std::unique_ptr<Command> make_requests_command();
std::unique_ptr<Command> make_run_command();
std::unique_ptr<Command> make_runs_command();
std::unique_ptr<Command> make_score_command();
std::unique_ptr<Command> make_tasks_command();
std::unique_ptr<Command> make_tokenize_command();

}  // namespace candor::harness
