#include <algorithm>

#include "base/error.h"
#include "harness/chat.h"
#include "harness/command.h"
#include "harness/options.h"
#include "harness/output.h"
#include "harness/task_options.h"
#include "harness/task_requests.h"

namespace candor::harness {
namespace {

using suites::RequestKind;
using suites::TaskRequest;

Value ids_value(const std::vector<text::TokenId>& ids) {
  Value::List list;
  for (const text::TokenId id : ids) list.emplace_back(id);
  return list;
}

/// Tokenizer and context of a model, when ids are asked for.
struct ModelView {
  model::Checkpoint checkpoint;
  text::Tokenizer tokenizer;
  std::int64_t max_length;
};

void add_ids(Dict& line, const TaskRequest& request, const std::string& task, const ModelView& model) {
  const TaskEncoding encoding{model.tokenizer, model.max_length};
  if (request.kind == RequestKind::kGenerateUntil) {
    line.set("context_ids", ids_value(encode_generation(request, task, 0, encoding).request.prompt));
    return;
  }
  const EncodedScores scores = encode_scores(request, encoding);
  if (request.kind == RequestKind::kLoglikelihood) {
    line.set("context_ids", ids_value(scores.requests.at(0).context));
    line.set("continuation_ids", ids_value(scores.requests.at(0).continuation));
    return;
  }
  Value::List windows;
  for (const engine::ScoreRequest& window : scores.requests)
    windows.emplace_back(
        Dict{{"context_ids", ids_value(window.context)}, {"continuation_ids", ids_value(window.continuation)}});
  line.set("windows", std::move(windows));
}

Dict request_line(const TaskRequest& request, const std::string& task) {
  Dict line{{"task", task},
            {"doc_id", request.doc_id},
            {"idx", request.index},
            {"kind", std::string(suites::kind_name(request.kind))}};
  if (request.kind == RequestKind::kLoglikelihoodRolling) {
    line.set("text", request.continuation);
    return line;
  }
  line.set("context", request.context);
  if (request.kind == RequestKind::kLoglikelihood)
    line.set("continuation", request.continuation);
  else
    line.set("generation_kwargs", request.generation_kwargs);
  return line;
}

class RequestsCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.add(
        {.names = "task", .help = "Names of tasks, groups or tags, or YAML files", .value = "TASK", .required = true},
        names_);
    tasks_.declare(arguments);
    arguments.add(
        {.names = "--model,-m", .help = "Add token ids; also whose chat template is applied", .value = "MODEL"},
        model_);
    arguments.add({.names = "--max-length", .help = "Context in tokens (default: the model's)", .value = "N"},
                  max_length_);
    arguments.flag({.names = "--json", .help = "No effect: the result is JSON Lines anyway"}, json_);
  }

  int run() override {
    std::optional<ModelView> model;
    suites::ChatRenderer chat;
    if (!model_.empty()) {
      model::Checkpoint checkpoint(model_path(model_));
      text::Tokenizer tokenizer = checkpoint.tokenizer();
      const std::int64_t context = checkpoint.spec().context;
      model.emplace(ModelView{std::move(checkpoint), std::move(tokenizer), max_length_ ? *max_length_ : context});
      chat = chat_renderer(model->checkpoint, model_);
    }
    suites::TaskLibrary library = tasks_.library();
    const suites::TaskOptions options = tasks_.options(chat);
    std::vector<suites::Task> prepared;
    for (const std::string& leaf : TaskArguments::leaves(library, names_))
      prepared.push_back(library.prepare(leaf, options));

    Output output;
    for (const suites::Task& task : prepared) {
      for (const TaskRequest& request : task.requests()) {
        Dict line = request_line(request, task.name());
        if (model) add_ids(line, request, task.name(), *model);
        output.json_line(line);
      }
    }
    output.close();
    return 0;
  }

 private:
  std::vector<std::string> names_;
  TaskArguments tasks_;
  std::string model_;
  std::optional<int> max_length_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_requests_command() {
  return std::make_unique<RequestsCommand>();
}

}  // namespace candor::harness
