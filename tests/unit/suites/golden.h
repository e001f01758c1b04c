// The golden suites: what lm-evaluation-harness 0.4.13 made of a set of task files.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "engine/text/jinja.h"
#include "suites/suites.h"

namespace candor::suites {

inline std::filesystem::path shared_path(const std::string& name) {
  const char* shared = std::getenv("CANDOR_SHARED");
  return (shared != nullptr ? std::filesystem::path(shared)
                            : std::filesystem::path(CANDOR_SOURCE_DIR) / ".." / "shared") /
         name;
}

inline std::filesystem::path golden_suites() {
  return shared_path("golden_suites");
}

/// Folders with a cases.json, sorted; empty if the golden suites are not there.
inline std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator(golden_suites(), problem))
    if (std::filesystem::exists(entry.path() / "cases.json")) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

inline Value golden_json(const std::filesystem::path& path) {
  return parse_json(read_file(path), path.string());
}

inline TaskLibrary golden_library() {
  TaskLibrary library;
  for (const std::string& name : golden_names()) library.add(golden_suites() / name);
  return library;
}

/// SmolLM2's chat template; as transformers continues a final message, the text is cut behind it.
inline ChatRenderer smollm2_chat() {
  const std::string source = read_file(shared_path("golden_text/templates/smollm2.jinja"));
  return [source](const Value::List& messages, bool add_generation_prompt) {
    const text::Template chat(source, text::chat_template_options());
    std::string rendered = chat.render(Dict{{"messages", messages},
                                            {"add_generation_prompt", add_generation_prompt},
                                            {"bos_token", "<|im_start|>"},
                                            {"eos_token", "<|im_end|>"}});
    if (add_generation_prompt) return rendered;
    const std::string& last = messages.back().find("content")->text();
    return rendered.substr(0, rendered.rfind(last) + last.size());
  };
}

/// The settings of a case in cases.json.
inline TaskOptions golden_options(const Value& settings) {
  TaskOptions options;
  options.data_dir = golden_suites();
  if (const Value* shots = settings.find("num_fewshot")) options.num_fewshot = static_cast<int>(shots->integer());
  if (const Value* seed = settings.find("seed")) options.seed = static_cast<std::uint64_t>(seed->integer());
  if (const Value* chat = settings.find("chat"); chat != nullptr && chat->boolean()) options.chat = smollm2_chat();
  if (const Value* multiturn = settings.find("multiturn")) options.multiturn = multiturn->boolean();
  if (const Value* system = settings.find("system_instruction")) options.system_instruction = system->text();
  if (const Value* kwargs = settings.find("gen_kwargs")) options.generation_kwargs = *kwargs;
  return options;
}

}  // namespace candor::suites
