// The task files and their data inside the program.
#pragma once

#include <span>
#include <string_view>

#include "base/embedded.h"

namespace candor::suites {

/// tasks/*, sorted by name.
std::span<const EmbeddedFile> embedded_files();

/// @param name  as "tasks/gsm8k.yaml". Null: there is no such file.
const EmbeddedFile* find_embedded(std::string_view name);

}  // namespace candor::suites
