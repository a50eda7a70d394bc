// Denormals are flushed to zero inside kernels and around what launches several, and nowhere else.
#pragma once
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace sf {

// Sets flush-to-zero and denormals-are-zero for its lifetime and restores the caller's state. To
// write the register takes some 25 ns: what makes several launches holds one of these around them.
class FlushDenormals {
 public:
#if defined(__x86_64__)
  FlushDenormals() : saved_(_mm_getcsr()) {
    if (!is_set()) _mm_setcsr(saved_ | kBits);
  }
  ~FlushDenormals() {
    if (!is_set()) _mm_setcsr(saved_);
  }
#else
  FlushDenormals() = default;
#endif
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__x86_64__)
  static constexpr unsigned kBits = 0x8040;
  bool is_set() const { return (saved_ & kBits) == kBits; }

  unsigned saved_;
#endif
};

}  // namespace sf
