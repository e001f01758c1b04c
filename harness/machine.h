// What the program runs on, for a run's record.
#pragma once

#include "base/value.h"

namespace candor::harness {

/// "processor", "processors" (that this process may use), "memory_bytes", "system".
Dict describe_machine();

}  // namespace candor::harness
