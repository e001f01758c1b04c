// Options of the commands that prepare tasks: `run` and `requests`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/arguments.h"
#include "suites/suites.h"

namespace candor::harness {

class TaskArguments {
 public:
  void declare(Arguments& arguments);

  /// The shipped tasks and those of --include.
  suites::TaskLibrary library() const;
  /// Names of the leaf tasks, each once, in the order given. @throws Error{kUsage}
  static std::vector<std::string> leaves(suites::TaskLibrary& library, const std::vector<std::string>& names);
  /// @param chat  of the model; needed with --apply-chat-template. @throws Error{kUsage}
  suites::TaskOptions options(const suites::ChatRenderer& chat) const;
  bool wants_chat() const noexcept { return apply_chat_template_; }
  std::uint64_t seed() const noexcept { return seed_; }
  /// What of these options decides the requests: for the manifest.
  Dict manifest() const;

  // For `demo`, which has no command line of its own.
  void set_num_fewshot(int count) { num_fewshot_ = count; }

 private:
  std::string data_ = ".", system_instruction_, generation_kwargs_, multiturn_;
  std::vector<std::string> include_;
  std::optional<int> num_fewshot_;
  std::optional<double> limit_;
  std::uint64_t seed_ = 1234;
  bool apply_chat_template_ = false;
};

/// "temperature=0.8,until=END" or a JSON object. @throws Error{kUsage}
Value parse_generation_kwargs(const std::string& text);

}  // namespace candor::harness
