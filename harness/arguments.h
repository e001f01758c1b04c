// Declaring and parsing the options of one command.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace candor::harness {

struct ArgumentSpec {
  std::string names;  ///< "--limit" or "--num-fewshot,--num_fewshot"; without dashes: positional.
  std::string help;
  std::string value = {};  ///< Name of the value in the help: "FILE".
  bool required = false;
  std::vector<std::string> choices = {};  ///< If given, nothing else is accepted.
};

/// The command line of one command. Targets keep what they hold when their option is absent, and must outlive `parse`.
class Arguments {
 public:
  /// @param example  one or more lines shown at the end of the help.
  Arguments(const std::string& command, const std::string& summary, const std::string& example);
  Arguments(const Arguments&) = delete;
  ~Arguments();

  void flag(const ArgumentSpec& spec, bool& target);
  void add(const ArgumentSpec& spec, std::string& target);
  void add(const ArgumentSpec& spec, int& target);
  void add(const ArgumentSpec& spec, std::optional<int>& target);
  void add(const ArgumentSpec& spec, std::uint64_t& target);
  void add(const ArgumentSpec& spec, std::optional<double>& target);
  /// Repeated: one value each time (`--model A --model B`); positional: as many as there are.
  void add(const ArgumentSpec& spec, std::vector<std::string>& target);
  void add(const ArgumentSpec& spec, std::vector<std::int64_t>& target);

  /// @returns the help text if it was asked for, else nothing.
  /// @throws Error{kUsage}
  std::optional<std::string> parse(std::span<const std::string> arguments);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace candor::harness
