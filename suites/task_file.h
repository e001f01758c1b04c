// A task file with its includes merged: keys, and which file each came from.
#pragma once

#include <map>
#include <string>

#include "base/value.h"

namespace candor::suites {

/// Files that are part of the program are named with this before their name ("tasks/gsm8k.yaml").
inline constexpr std::string_view kShippedPrefix = "(program)/";

struct TaskFile {
  std::string path;
  Dict keys;                                   ///< Merged; without "include".
  std::map<std::string, std::string> origins;  ///< Key -> file it stands in.
  bool shipped = false;

  /// "file:line", for messages about a key.
  std::string place(const std::string& key) const;
};

/// Reads a file and what it includes: shallow merge in order, own keys win, task_list of an included file is dropped.
/// @throws Error{kBadInput} naming file and line; also for a file that is included twice.
TaskFile load_task_file(const std::string& path);

/// Names the first !function in a value ("utils.process_docs"), or is empty.
std::string function_in(const Value& value);

}  // namespace candor::suites
