#include "base/error.h"
#include "harness/command.h"
#include "harness/output.h"
#include "harness/store_options.h"

namespace candor::harness {
namespace {

class CompareCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    declare_store(arguments, database_);
    arguments.add({.names = "runs",
                   .help = "Numbers of the runs; the first is what the others are compared with",
                   .value = "RUN",
                   .required = true},
                  runs_);
    arguments.flag({.names = "--json", .help = "JSON instead of a table"}, json_);
  }

  int run() override {
    if (runs_.size() < 2)
      throw Error(ErrorKind::kUsage, "compare", "needs two runs or more", "`candor runs` lists them");
    const results::Store store(database_, results::Store::Mode::kRead);
    for (const std::int64_t run : runs_) store.run(run);
    const Value comparison = results::compare_runs(store, runs_);
    Output output;
    if (json_)
      output.json_line(comparison);
    else
      output.write(results::comparison_table(comparison, table_style()));
    output.close();
    return 0;
  }

 private:
  std::string database_ = std::string(kDefaultStore);
  std::vector<std::int64_t> runs_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_compare_command() {
  return std::make_unique<CompareCommand>();
}

}  // namespace candor::harness
