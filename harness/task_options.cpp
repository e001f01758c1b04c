#include "harness/task_options.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"

namespace candor::harness {

void TaskArguments::declare(Arguments& arguments) {
  arguments.add({.names = "--data", .help = "Folder that holds the tasks' data files (default: here)", .value = "DIR"},
                data_);
  arguments.add({.names = "--include", .help = "More task files: a YAML file or a folder of them", .value = "PATH"},
                include_);
  arguments.add({.names = "--num-fewshot,--num_fewshot",
                 .help = "Examples in each prompt (default: the task's own)",
                 .value = "N"},
                num_fewshot_);
  arguments.add({.names = "--limit", .help = "Documents of each task; below 1: a fraction", .value = "N"}, limit_);
  arguments.add({.names = "--seed", .help = "Of the few-shot draws (default 1234)", .value = "N"}, seed_);
  arguments.flag(
      {.names = "--apply-chat-template,--apply_chat_template", .help = "Put prompts into the model's chat template"},
      apply_chat_template_);
  arguments.add({.names = "--fewshot-as-multiturn,--fewshot_as_multiturn",
                 .help = "Each example a turn of its own (default: with a chat template)",
                 .value = "BOOL",
                 .choices = {"true", "false"}},
                multiturn_);
  arguments.add(
      {.names = "--system-instruction,--system_instruction", .help = "Text before everything else", .value = "TEXT"},
      system_instruction_);
  arguments.add({.names = "--gen-kwargs,--gen_kwargs",
                 .help = "Merged over the task's generation_kwargs",
                 .value = "K=V,... or JSON"},
                generation_kwargs_);
}

suites::TaskLibrary TaskArguments::library() const {
  suites::TaskLibrary library;
  for (const std::string& path : include_) library.add(path);
  return library;
}

std::vector<std::string> TaskArguments::leaves(suites::TaskLibrary& library, const std::vector<std::string>& names) {
  std::vector<std::string> leaves;
  for (const std::string& name : names)
    for (std::string& leaf : library.resolve(name))
      if (std::ranges::find(leaves, leaf) == leaves.end()) leaves.push_back(std::move(leaf));
  return leaves;
}

suites::TaskOptions TaskArguments::options(const suites::ChatRenderer& chat) const {
  if (limit_ && !(*limit_ > 0.0))
    throw Error(ErrorKind::kUsage, "--limit", "must be above 0", "leave it out to take all documents");
  if (num_fewshot_ && *num_fewshot_ < 0) throw Error(ErrorKind::kUsage, "--num-fewshot", "must not be negative");
  if (multiturn_ == "true" && !apply_chat_template_)
    throw Error(ErrorKind::kUsage, "--fewshot-as-multiturn", "needs a chat", "add --apply-chat-template");
  if (apply_chat_template_ && !chat)
    throw Error(ErrorKind::kUsage, "--apply-chat-template", "the model has no chat template", "leave it out");
  return {.data_dir = data_,
          .num_fewshot = num_fewshot_,
          .seed = seed_,
          .limit = limit_,
          .chat = apply_chat_template_ ? chat : suites::ChatRenderer(),
          .multiturn = apply_chat_template_ && multiturn_ != "false",
          .system_instruction = system_instruction_,
          .generation_kwargs = parse_generation_kwargs(generation_kwargs_)};
}

Dict TaskArguments::manifest() const {
  return {{"num_fewshot", num_fewshot_ ? Value(*num_fewshot_) : Value()},
          {"limit", limit_ ? Value(*limit_) : Value()},
          {"seed", static_cast<std::int64_t>(seed_)},
          {"apply_chat_template", apply_chat_template_},
          {"fewshot_as_multiturn", apply_chat_template_ && multiturn_ != "false"},
          {"system_instruction", system_instruction_},
          {"generation_kwargs", parse_generation_kwargs(generation_kwargs_)}};
}

Value parse_generation_kwargs(const std::string& text) {
  if (text.empty()) return {};
  const auto usage = [](const std::string& what) {
    return Error(ErrorKind::kUsage, "--gen-kwargs", what, "write temperature=0.8,max_gen_toks=64 or a JSON object");
  };
  const auto json = [&](const std::string& source) -> std::optional<Value> {
    try {
      return parse_json(source, "--gen-kwargs");
    } catch (const Error&) {
      return std::nullopt;  // a bare word is text
    }
  };
  if (text.front() == '{') {
    std::optional<Value> value = json(text);
    if (!value) throw usage("'" + text + "' is not JSON");
    return *std::move(value);
  }
  Dict kwargs;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t to = std::min(text.find(',', from), text.size());
    const std::string pair = text.substr(from, to - from);
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) throw usage("'" + pair + "' is not of the form name=value");
    std::string value = pair.substr(equals + 1);
    if (value == "True") value = "true";
    if (value == "False") value = "false";
    kwargs.set(pair.substr(0, equals), json(value).value_or(Value(value)));
    from = to + 1;
  }
  return kwargs;
}

}  // namespace candor::harness
