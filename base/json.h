// Reading and writing JSON, JSON Lines and YAML. Input is hostile until parsed: depth is bounded, errors name the
// place.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/value.h"

namespace candor {

/// @param where  the file, for messages ("config.json").
/// Integers beyond 64 bits become reals. Of a key that stands twice the last value counts. At most 512 levels deep.
/// @throws Error{kBadInput} with line and column.
Value parse_json(std::string_view text, std::string_view where);

/// YAML 1.1 as PyYAML's CSafeLoader reads it: yes/no/on/off are booleans, 010 is 8, 1:30 is 90, merge keys and aliases
/// are resolved (at most a million nodes). Values carry their line. Tags like !function give a dict {"!function":
/// text}.
/// @throws Error{kBadInput} with line and column.
Value parse_yaml(std::string_view text, std::string_view where);

/// @param indent  negative: one line, ", " and ": " as Python's json.dumps writes them by default with
///                `compact` false, "," and ":" otherwise; else spaces per level.
/// Text is written as UTF-8, not escaped beyond what JSON demands. Reals are written with the fewest digits that read
/// back the same, integral ones with ".0". NaN and infinities become null.
std::string to_json(const Value& value, int indent = -1, bool compact = true);

/// Calls `use(value, where)` for each line that is not blank; `where` is "file:line".
/// @param path  a file, or "-" for standard input.
/// @throws Error{kBadInput} for a line that is not JSON; Error{kBadInput} if the file cannot be read.
void read_json_lines(const std::string& path, const std::function<void(Value, const std::string& where)>& use);

}  // namespace candor
