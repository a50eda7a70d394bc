// Denormals are flushed to zero inside kernels and nowhere else.
#pragma once
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace sf {

// Sets flush-to-zero and denormals-are-zero for its lifetime and restores the caller's state.
class FlushDenormals {
 public:
#if defined(__x86_64__)
  FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040u); }
  ~FlushDenormals() { _mm_setcsr(saved_); }
#else
  FlushDenormals() = default;
#endif
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__x86_64__)
  unsigned saved_;
#endif
};

}  // namespace sf
