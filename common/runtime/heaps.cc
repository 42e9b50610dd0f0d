#include "common/runtime/heaps.h"

#include <malloc.h>

namespace fedtrial {

void LimitHeaps() { mallopt(M_ARENA_MAX, 2); }

void ReturnFreeMemory() { malloc_trim(0); }

}  // namespace fedtrial
