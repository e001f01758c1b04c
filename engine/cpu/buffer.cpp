#include "engine/cpu/buffer.h"

#include <sys/mman.h>

namespace candor::cpu {

void advise_huge(void* memory, std::size_t bytes) noexcept {
  ::madvise(memory, bytes, MADV_HUGEPAGE);
}

}  // namespace candor::cpu
