#include <cstdio>

#include "base/error.h"
#include "base/file.h"
#include "harness/command.h"
#include "harness/output.h"
#include "harness/store_options.h"

namespace candor::harness {
namespace {

class ReportCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    declare_store(arguments, database_);
    arguments.add({.names = "--out,-o",
                   .help = "The HTML file to write; - for standard output (default report.html)",
                   .value = "FILE"},
                  out_);
    arguments.add({.names = "runs", .help = "Numbers of the runs to show (default: all finished ones)", .value = "RUN"},
                  runs_);
  }

  int run() override {
    const results::Store store(database_, results::Store::Mode::kRead);
    for (const std::int64_t run : runs_) store.run(run);
    const std::string report = results::html_report(store, runs_);
    if (out_ == "-") {
      Output output;
      output.write(report);
      output.close();
    } else {
      write_file(out_, report);
      std::fprintf(stderr, "wrote %s\n", out_.c_str());
    }
    return 0;
  }

 private:
  std::string database_ = std::string(kDefaultStore), out_ = "report.html";
  std::vector<std::int64_t> runs_;
};

}  // namespace

std::unique_ptr<Command> make_report_command() {
  return std::make_unique<ReportCommand>();
}

}  // namespace candor::harness
