// The worker threads: one OpenMP region that never ends, and jobs handed to it by ticket.
//
// A region of its own for every job would end in a barrier, and the barrier waits for the last
// thread to be scheduled: milliseconds beside a busy neighbour. Here the caller works too, takes
// whatever chunk nobody has taken, and waits only for chunks that are being worked on.
#pragma once
#include <cstdint>

namespace sf::team {

constexpr int kMostThreads = 1024;

using ChunkFn = void (*)(void* context, int64_t chunk);

// Runs fn(context, chunk) for every chunk in [0, chunks) on the calling thread and at most
// `helpers` workers, which are started on first use. False, with nothing done, if another thread
// has the team or workers do not pay: the caller then does its chunks alone.
bool run(int helpers, int64_t chunks, ChunkFn fn, void* context);

// Whether the calling thread is working on a chunk of the team.
bool inside();

// Whether a job that starts now would call workers, as far as earlier jobs say (base/ledger.h).
bool pays(int helpers);

}  // namespace sf::team
