// The probe files inside the program.
#pragma once

#include <span>

#include "base/embedded.h"

namespace candor::probes {

/// data/*.yaml, sorted by name.
std::span<const EmbeddedFile> embedded_files();

}  // namespace candor::probes
