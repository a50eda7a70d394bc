// The elementwise family's part of the kernel table.
#pragma once
#include <cstdint>

namespace sf {

// Which arrays the backward of an op reads: bits.
enum Needs : uint8_t { kNeedsNone = 0, kNeedsX = 1, kNeedsA = 1, kNeedsB = 2, kNeedsY = 4 };
constexpr uint8_t kNeedsXY = 5, kNeedsAB = 3, kNeedsABY = 7;

enum class Unary : uint8_t {
#define SF_UNARY(name, needs, forward, backward) name,
#include "kernels/unary.def"
#undef SF_UNARY
};

enum class Binary : uint8_t {
#define SF_BINARY(name, needs_a, needs_b, forward, da, db) name,
#define SF_BINARY_EXACT SF_BINARY
#include "kernels/binary.def"
#undef SF_BINARY
#undef SF_BINARY_EXACT
};

constexpr const char* kUnaryNames[] = {
#define SF_UNARY(name, needs, forward, backward) #name,
#include "kernels/unary.def"
#undef SF_UNARY
};
constexpr uint8_t kUnaryNeeds[] = {
#define SF_UNARY(name, needs, forward, backward) kNeeds##needs,
#define kNeedsNONE kNeedsNone
#include "kernels/unary.def"
#undef SF_UNARY
};
constexpr const char* kBinaryNames[] = {
#define SF_BINARY(name, needs_a, needs_b, forward, da, db) #name,
#define SF_BINARY_EXACT SF_BINARY
#include "kernels/binary.def"
#undef SF_BINARY
#undef SF_BINARY_EXACT
};
constexpr uint8_t kBinaryNeeds[][2] = {
#define SF_BINARY(name, needs_a, needs_b, forward, da, db) {kNeeds##needs_a, kNeeds##needs_b},
#define SF_BINARY_EXACT SF_BINARY
#include "kernels/binary.def"
#undef SF_BINARY
#undef SF_BINARY_EXACT
#undef kNeedsNONE
};
constexpr int kNumUnary = sizeof(kUnaryNeeds);
constexpr int kNumBinary = sizeof(kBinaryNeeds) / 2;
constexpr int kMaxParams = 4;  // parameters of an elementwise op

template <class T>
struct ElementwiseKernels {
  // y = f(x), dx = f'(...) g over n elements; in place is allowed. Pointers that kUnaryNeeds does
  // not name may be null.
  void (*unary[kNumUnary])(const T* x, T* y, int64_t n, const T* p) = {};
  void (*unary_backward[kNumUnary])(const T* x, const T* y, const T* g, T* dx, int64_t n,
                                    const T* p) = {};
  // y = f(a, b); a step of 0 repeats the operand, 1 walks it. Null for the exact rows.
  void (*binary[kNumBinary])(const T* a, const T* b, T* y, int64_t n, int a_step, int b_step) = {};
  // [op][0] gives da, [op][1] db.
  void (*binary_backward[kNumBinary][2])(const T* a, const T* b, const T* y, const T* g, T* out,
                                         int64_t n) = {};
};

}  // namespace sf
