#include "harness/command.h"
#include "harness/output.h"
#include "harness/store_options.h"
#include "results/report.h"

namespace candor::harness {
namespace {

class RunsCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    declare_store(arguments, database_);
    arguments.add({.names = "--run", .help = "Show one run: its scores and its audit", .value = "RUN"}, run_);
    arguments.flag({.names = "--json", .help = "JSON Lines, one run each"}, json_);
  }

  int run() override {
    const results::Store store(database_, results::Store::Mode::kRead);
    Output output;
    if (run_) {
      if (json_)
        output.json_line(results::run_summary(store, *run_));
      else
        output.write(results::run_table(store, *run_, table_style()));
    } else if (json_) {
      for (const results::Run& run : store.runs()) output.json_line(results::run_summary(store, run.id));
    } else {
      output.write(results::runs_table(store, table_style()));
    }
    output.close();
    return 0;
  }

 private:
  std::string database_ = std::string(kDefaultStore);
  std::optional<int> run_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_runs_command() {
  return std::make_unique<RunsCommand>();
}

}  // namespace candor::harness
