#include "harness/arguments.h"

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "base/fields.h"

namespace candor::harness {

struct Arguments::State {
  State(const std::string& command, const std::string& summary) : name(command), app(summary, "candor " + command) {}

  std::string name;
  CLI::App app;
};

namespace {

template <typename Target>
void add_option(CLI::App& app, const ArgumentSpec& spec, Target& target) {
  CLI::Option* option = app.add_option(spec.names, target, spec.help);
  if (!spec.value.empty()) option->option_text(spec.value + (spec.required ? "  (required)" : ""));
  option->required(spec.required);
  if (!spec.choices.empty()) option->check(CLI::IsMember(spec.choices));
}

template <typename Item>
void add_list(CLI::App& app, const ArgumentSpec& spec, std::vector<Item>& target) {
  CLI::Option* option = app.add_option(spec.names, target, spec.help);
  if (!spec.value.empty()) option->option_text(spec.value + " ..." + (spec.required ? "  (required)" : ""));
  option->required(spec.required);
  if (spec.names.starts_with('-')) option->allow_extra_args(false);
}

/// CLI11 says only that an option was not expected; what was meant is more useful.
std::string suggestion(const CLI::App& app, const std::string& unexpected) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return nearest(unexpected.substr(0, unexpected.find('=')), names);
}

void refuse_unexpected(const CLI::App& app, const std::string& command) {
  std::string unexpected;
  for (const std::string& argument : app.remaining()) {
    unexpected = argument;
    if (argument.starts_with('-')) break;
  }
  if (unexpected.empty()) return;
  const std::string meant = unexpected.starts_with('-') ? suggestion(app, unexpected) : "";
  const std::string help = "see `candor " + command + " --help`";
  throw Error(ErrorKind::kUsage, command, "'" + unexpected + "' is not expected here",
              meant.empty() ? help : "did you mean '" + meant + "'? or " + help);
}

}  // namespace

Arguments::Arguments(const std::string& command, const std::string& summary, const std::string& example)
    : state_(std::make_unique<State>(command, summary)) {
  state_->app.footer("Example:\n  " + example);
  state_->app.get_formatter()->column_width(34);
}

Arguments::~Arguments() = default;

void Arguments::flag(const ArgumentSpec& spec, bool& target) {
  state_->app.add_flag(spec.names, target, spec.help);
}
void Arguments::add(const ArgumentSpec& spec, std::string& target) {
  add_option(state_->app, spec, target);
}
void Arguments::add(const ArgumentSpec& spec, int& target) {
  add_option(state_->app, spec, target);
}
void Arguments::add(const ArgumentSpec& spec, std::optional<int>& target) {
  add_option(state_->app, spec, target);
}
void Arguments::add(const ArgumentSpec& spec, std::uint64_t& target) {
  add_option(state_->app, spec, target);
}
void Arguments::add(const ArgumentSpec& spec, std::optional<double>& target) {
  add_option(state_->app, spec, target);
}
void Arguments::add(const ArgumentSpec& spec, std::vector<std::string>& target) {
  add_list(state_->app, spec, target);
}
void Arguments::add(const ArgumentSpec& spec, std::vector<std::int64_t>& target) {
  add_list(state_->app, spec, target);
}

std::optional<std::string> Arguments::parse(std::span<const std::string> arguments) {
  // CLI11 takes the arguments last first.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    state_->app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    return state_->app.help();
  } catch (const CLI::ParseError& error) {
    // What was not expected explains what is missing better than the other way round.
    refuse_unexpected(state_->app, state_->name);
    throw Error(ErrorKind::kUsage, state_->name, error.what(), "see `candor " + state_->name + " --help`");
  }
  return std::nullopt;
}

}  // namespace candor::harness
