// Private to the kernel files: the table of each instruction set.
#pragma once

#include "engine/cpu/kernels.h"

namespace candor::cpu {

extern const Kernels kPortableKernels;
#if defined(__x86_64__)
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
extern const Kernels kAvx512Bf16Kernels;
#endif

}  // namespace candor::cpu
