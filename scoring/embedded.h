// The rule files inside the program.
#pragma once

#include <span>
#include <string_view>

#include "base/embedded.h"

namespace candor::scoring {

/// rules/*, sorted by name.
std::span<const EmbeddedFile> embedded_files();

/// The content of one. @param name  as "rules/languages.yaml"; a name that is not there is a defect of the caller.
std::string_view embedded_file(std::string_view name);

}  // namespace candor::scoring
