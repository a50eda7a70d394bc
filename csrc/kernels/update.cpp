#include "kernels/update.h"

#include <algorithm>
#include <vector>

#include "base/parallel.h"
#include "kernels/dispatch.h"

namespace sf {
namespace {

constexpr int64_t kChunk = 32 * 1024;  // elements; less than this is not worth a second thread

void update_range(Update rule, const UpdateTask& task, int64_t begin, int64_t end) {
  dispatch_floating(task.dtype, [&](auto zero) {
    kernels<decltype(zero)>().update.rules[static_cast<int>(rule)](task.span, begin, end);
  });
}

}  // namespace

void run_update(Update rule, std::span<const UpdateTask> tasks) {
  // Task i holds the elements [starts[i], starts[i + 1]) of all tasks put in a row.
  std::vector<int64_t> starts{0};
  for (const UpdateTask& task : tasks) starts.push_back(starts.back() + task.span.n);
  const Chunks chunks{starts.back(), kChunk};
  parallel_for(chunks.count(), [&](int64_t chunk) {
    int64_t at = chunks.begin(chunk);
    const int64_t end = chunks.end(chunk);
    auto next = std::upper_bound(starts.begin(), starts.end(), at);
    for (; at < end; ++next) {
      const int64_t stop = std::min(end, *next);
      const int64_t start = *(next - 1);
      const auto i = static_cast<size_t>(next - starts.begin() - 1);
      if (stop > at) update_range(rule, tasks[i], at - start, stop - start);
      at = stop;
    }
  });
}

}  // namespace sf
