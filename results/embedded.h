// The report's style and script, inside the program. Private to results.
#pragma once

#include <span>

#include "base/embedded.h"

namespace candor::results {

std::span<const EmbeddedFile> embedded_files();

}  // namespace candor::results
