#include <algorithm>

#include "harness/command.h"
#include "harness/output.h"
#include "suites/suites.h"

namespace candor::harness {
namespace {

class TasksCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.add({.names = "--include", .help = "More task files: a YAML file or a folder of them", .value = "PATH"},
                  include_);
    arguments.flag({.names = "--json", .help = "JSON Lines, one task each"}, json_);
  }

  int run() override {
    suites::TaskLibrary library;
    for (const std::string& path : include_) library.add(path);
    const std::vector<suites::TaskSummary> tasks = library.list();
    Output output;
    if (json_)
      print_json(tasks, output);
    else
      print_table(tasks, output);
    output.close();
    return 0;
  }

 private:
  static void print_json(const std::vector<suites::TaskSummary>& tasks, Output& output) {
    for (const suites::TaskSummary& task : tasks)
      output.json_line(Dict{{"name", task.name},
                            {"kind", task.kind},
                            {"output_type", task.output_type},
                            {"description", task.description},
                            {"file", task.file}});
  }

  static void print_table(const std::vector<suites::TaskSummary>& tasks, Output& output) {
    std::size_t width = 0;
    for (const suites::TaskSummary& task : tasks) width = std::max(width, task.name.size());
    for (const suites::TaskSummary& task : tasks) {
      const std::string what = task.output_type.empty() ? task.kind : task.output_type;
      output.write(task.name + std::string(width - task.name.size() + 2, ' ') + what +
                   std::string(what.size() < 24 ? 24 - what.size() : 1, ' ') + task.description + "\n");
    }
  }

  std::vector<std::string> include_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_tasks_command() {
  return std::make_unique<TasksCommand>();
}

}  // namespace candor::harness
