#include "harness/command.h"
#include "harness/line_job.h"
#include "scoring/judge.h"

namespace candor::harness {
namespace {

struct Request {
  Value id;
  std::string prompt, response, language;
};

Request read_request(const Value& value, const std::string& where) {
  Fields fields(value, where);
  Request request;
  if (const Value* id = fields.optional_any("id")) request.id = *id;
  request.prompt = fields.optional_text("prompt").value_or("");
  request.language = fields.optional_text("lang").value_or("");
  request.response = fields.text("response");
  fields.finish();
  return request;
}

Value answer(const scoring::Judge& judge, const Request& request) {
  const scoring::Verdict verdict = judge.judge(request.prompt, request.response, request.language);
  Value::List evidence;
  for (const scoring::Evidence& item : verdict.evidence)
    evidence.emplace_back(
        Dict{{"rule", item.rule}, {"span", Value::List{std::int64_t{item.from}, std::int64_t{item.to}}}});
  return with_id(request.id, {{"label", std::string(scoring::form_name(verdict.form))},
                              {"confidence", verdict.confidence},
                              {"evidence", std::move(evidence)}});
}

class JudgeCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.add({.names = "file",
                   .help = "JSON Lines {\"prompt\", \"response\", \"lang\"}; - for standard input",
                   .value = "FILE",
                   .required = true},
                  file_);
    arguments.flag({.names = "--json", .help = "No effect: the result is JSON Lines anyway"}, json_);
  }

  int run() override {
    const scoring::Judge judge;
    answer_lines<Request>(file_, read_request, [&](const Request& request) { return answer(judge, request); });
    return 0;
  }

 private:
  std::string file_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_judge_command() {
  return std::make_unique<JudgeCommand>();
}

}  // namespace candor::harness
