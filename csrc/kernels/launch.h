// The door that every kernel launch of an op passes: it guards the floating-point state, and it is
// where a recorder can take a launch down for replay.
#pragma once
#include <functional>

#include "base/fpstate.h"

namespace sf {

// Called with the launches of the current thread while set; null otherwise. What a launch captures
// (pointers, sizes) must stay valid for as long as the recorder wants to replay it.
using Recorder = std::function<void(const char* name, std::function<void()> run)>;
inline thread_local Recorder* recorder = nullptr;

// Runs one kernel with its arguments bound: all checks and allocations have been done.
template <class F>
void launch(const char* name, const F& run) {
  {
    const FlushDenormals flush;
    run();
  }
  if (recorder) (*recorder)(name, run);
}

}  // namespace sf
