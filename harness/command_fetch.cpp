#include <cstdio>

#include "base/error.h"
#include "harness/command.h"
#include "harness/fetch.h"
#include "harness/output.h"

namespace candor::harness {
namespace {

class FetchCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.add({.names = "model", .help = "smollm2: SmolLM2-135M-Instruct", .value = "NAME", .required = true},
                  name_);
  }

  int run() override {
    if (name_ != kDemoModelName)
      throw Error(ErrorKind::kUsage, name_, "cannot be fetched",
                  "only smollm2 can; other models: download a GGUF file or a Hugging Face folder yourself");
    const std::string path = fetch_model([](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); });
    Output output;
    output.write(path + "\n");
    output.close();
    return 0;
  }

 private:
  std::string name_;
};

}  // namespace

std::unique_ptr<Command> make_fetch_command() {
  return std::make_unique<FetchCommand>();
}

}  // namespace candor::harness
