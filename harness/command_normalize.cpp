#include "harness/command.h"
#include "harness/line_job.h"
#include "scoring/normalize.h"

namespace candor::harness {
namespace {

struct Request {
  Value id;
  std::string text;
};

Request read_request(const Value& value, const std::string& where) {
  Fields fields(value, where);
  Request request;
  if (const Value* id = fields.optional_any("id")) request.id = *id;
  request.text = fields.text("text");
  fields.finish();
  return request;
}

Value answer(const Request& request) {
  Dict scripts;
  for (const auto& [script, share] : scoring::script_shares(request.text)) scripts.set(script, share);
  return with_id(request.id, {{"normalized", scoring::normalized_text(request.text)}, {"scripts", std::move(scripts)}});
}

class NormalizeCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.add(
        {.names = "file", .help = "JSON Lines {\"text\"}; - for standard input", .value = "FILE", .required = true},
        file_);
    arguments.flag({.names = "--json", .help = "No effect: the result is JSON Lines anyway"}, json_);
  }

  int run() override {
    answer_lines<Request>(file_, read_request, answer);
    return 0;
  }

 private:
  std::string file_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_normalize_command() {
  return std::make_unique<NormalizeCommand>();
}

}  // namespace candor::harness
