// Mutexes that a forked child finds free. The threads that held one are not there to release it.
#pragma once
#include <mutex>

namespace sf {

// What a mutex guards. A thread that holds one may take those of a later rank only: fork takes all
// of them in this order.
enum class ForkRank { kGradient, kKernelTable, kGenerator, kPool };

// The mutex of an object, for as long as the process lives. Several objects may share one: a thread
// holds at most one of each rank.
std::mutex& fork_mutex(ForkRank rank, const void* object = nullptr);

}  // namespace sf
