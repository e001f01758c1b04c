#include "harness/command.h"
#include "harness/line_job.h"
#include "harness/options.h"

namespace candor::harness {
namespace {

struct Request {
  Value id;
  std::string text;
  bool add_special_tokens = false;
};

Request read_request(const Value& value, const std::string& where) {
  Fields fields(value, where);
  Request request;
  if (const Value* id = fields.optional_any("id")) request.id = *id;
  request.add_special_tokens = fields.optional_boolean("add_special_tokens").value_or(false);
  request.text = fields.text("text");
  fields.finish();
  return request;
}

Value answer(const text::Tokenizer& tokenizer, const Request& request) {
  const std::vector<text::TokenId> ids = tokenizer.encode(request.text, request.add_special_tokens);
  Value::List list;
  for (const text::TokenId id : ids) list.emplace_back(id);
  return with_id(request.id, {{"ids", std::move(list)}, {"decoded", tokenizer.decode(ids, false)}});
}

class TokenizeCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.add({.names = "file",
                   .help = "JSON Lines {\"text\", \"add_special_tokens\"}; - for standard input",
                   .value = "FILE",
                   .required = true},
                  file_);
    arguments.add({.names = "--tokenizer,--model,-m",
                   .help = "tokenizer.json, GGUF file, folder, or smollm2",
                   .value = "FILE",
                   .required = true},
                  tokenizer_);
    arguments.flag({.names = "--json", .help = "No effect: the result is JSON Lines anyway"}, json_);
  }

  int run() override {
    const text::Tokenizer tokenizer = open_tokenizer(tokenizer_);
    answer_lines<Request>(file_, read_request, [&](const Request& request) { return answer(tokenizer, request); });
    return 0;
  }

 private:
  std::string file_, tokenizer_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_tokenize_command() {
  return std::make_unique<TokenizeCommand>();
}

}  // namespace candor::harness
