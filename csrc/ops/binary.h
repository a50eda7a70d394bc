// Regular ops of two arguments, broadcast by NumPy's rules. Each is a row of kernels/binary.def
// (value and fused backward) and a row of the table in binary_table.cpp.
#pragma once
#include "kernels/elementwise.h"
#include "tensor/tensor.h"

namespace sf {

// What the table says of an op beyond its kernels.
struct BinaryInfo {
  // dL/da or dL/db in public ops, of the broadcast shape; undefined tensors are those that the
  // kernel row does not need.
  using Formula = Tensor (*)(const Tensor& g, const Tensor& a, const Tensor& b, const Tensor& y);
  Binary op;
  bool integers;       // false: computed as float32
  bool fused;          // whether the backward kernel beats the formulas
  bool bound_by_hand;  // takes more than its two tensors: see bind_elementwise.cpp
  const char* doc;
  Formula da, db;
};
const BinaryInfo& info(Binary op);

Tensor binary(Binary op, const Tensor& a, const Tensor& b);
Tensor binary_(Binary op, Tensor self, const Tensor& other);

inline Tensor add(const Tensor& a, const Tensor& b) { return binary(Binary::add, a, b); }
inline Tensor sub(const Tensor& a, const Tensor& b) { return binary(Binary::sub, a, b); }
inline Tensor mul(const Tensor& a, const Tensor& b) { return binary(Binary::mul, a, b); }
inline Tensor div(const Tensor& a, const Tensor& b) { return binary(Binary::div, a, b); }
inline Tensor maximum(const Tensor& a, const Tensor& b) { return binary(Binary::maximum, a, b); }
inline Tensor minimum(const Tensor& a, const Tensor& b) { return binary(Binary::minimum, a, b); }
inline Tensor fmod(const Tensor& a, const Tensor& b) { return binary(Binary::fmod, a, b); }
inline Tensor remainder(const Tensor& a, const Tensor& b) {
  return binary(Binary::remainder, a, b);
}
inline Tensor floor_divide(const Tensor& a, const Tensor& b) {
  return binary(Binary::floor_divide, a, b);
}
// Powers of a 0-d exponent that has no gradient take the faster unary kernels.
Tensor pow(const Tensor& a, const Tensor& b);
// The quotient rounded towards zero.
Tensor trunc_divide(const Tensor& a, const Tensor& b);

}  // namespace sf
