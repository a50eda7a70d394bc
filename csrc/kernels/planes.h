// Work plane by plane: each is owned by one thread.
#pragma once
#include <algorithm>

#include "kernels/loop.h"

namespace sf {

// Calls fn(plane); `work` is the number of elements that one plane costs.
template <class F>
void for_planes(int64_t planes, int64_t work, const F& fn) {
  const int64_t size = std::max<int64_t>(1, kChunkElements / std::max<int64_t>(1, work));
  const bool small = planes * work <= kSerialBelow;
  const Chunks chunks{planes, small ? std::max<int64_t>(1, planes) : size};
  parallel_for(chunks.count(), [&](int64_t c) {
    for (int64_t p = chunks.begin(c); p < chunks.end(c); ++p) fn(p);
  });
}

}  // namespace sf
