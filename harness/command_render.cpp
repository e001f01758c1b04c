#include <map>

#include "base/error.h"
#include "engine/text/jinja.h"
#include "harness/chat.h"
#include "harness/command.h"
#include "harness/line_job.h"
#include "harness/options.h"

namespace candor::harness {
namespace {

/// A model's template and the tokens it may print.
struct ModelTemplate {
  std::string source;
  Dict tokens;
};

struct Request {
  std::string source;
  Dict variables;
  text::RenderOptions options;
};

ModelTemplate read_model_template(const std::string& name, const std::string& where) {
  const model::Checkpoint checkpoint(model_path(name));
  std::optional<std::string> source = checkpoint.chat_template();
  if (!source)
    throw Error(ErrorKind::kBadInput, where, "model '" + name + "' has no chat template", "give 'template' instead");
  ModelTemplate result{*std::move(source), {}};
  const text::Tokenizer tokenizer = checkpoint.tokenizer();
  if (const auto bos = special_token(tokenizer, tokenizer.bos())) result.tokens.set("bos_token", *bos);
  if (const auto eos = special_token(tokenizer, tokenizer.eos())) result.tokens.set("eos_token", *eos);
  return result;
}

class RenderCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.add({.names = "file",
                   .help = "JSON Lines {\"template\" or \"model\", \"messages\", ...}; - for standard input",
                   .value = "FILE",
                   .required = true},
                  file_);
    arguments.flag({.names = "--json", .help = "No effect: the result is JSON Lines anyway"}, json_);
  }

  int run() override {
    answer_lines<Request>(
        file_, [this](const Value& value, const std::string& where) { return read_request(value, where); }, answer);
    return 0;
  }

 private:
  Request read_request(const Value& value, const std::string& where) {
    Fields fields(value, where);
    Request request;
    // transformers passes these always; what a template finds undefined is only what nobody set.
    request.variables = {{"tools", Value()}, {"documents", Value()}, {"add_generation_prompt", false}};
    if (fields.has("template") == fields.has("model"))
      throw Error(ErrorKind::kBadInput, where, "needs either 'template' or 'model'");
    if (fields.has("template")) {
      request.source = fields.text("template");
    } else {
      const ModelTemplate& model = model_template(fields.text("model"), where);
      request.source = model.source;
      for (const Member& token : model.tokens) request.variables.set(token.key, token.value);
    }
    request.options.now = fields.optional_text("now");
    for (const Member& member : value.dict())
      if (member.key != "template" && member.key != "model" && member.key != "now")
        request.variables.set(member.key, member.value);
    return request;
  }

  const ModelTemplate& model_template(const std::string& name, const std::string& where) {
    const auto found = models_.find(name);
    if (found != models_.end()) return found->second;
    return models_.emplace(name, read_model_template(name, where)).first->second;
  }

  static Value answer(const Request& request) {
    try {
      const text::Template source(request.source, text::chat_template_options());
      return Dict{{"rendered", source.render(request.variables, request.options)}};
    } catch (const text::TemplateError& error) {
      return Dict{{"error", error.what()}};
    }
  }

  std::string file_;
  bool json_ = false;
  std::map<std::string, ModelTemplate> models_;
};

}  // namespace

std::unique_ptr<Command> make_render_command() {
  return std::make_unique<RenderCommand>();
}

}  // namespace candor::harness
