// The contract between the generic kernels and an ISA: a table of functions that are serial over a
// range of raw memory. Each ISA fills one (isa/table.cpp); dispatch.h hands out the one in use.
#pragma once
#include <cstdint>

#include "kernels/conv_table.h"
#include "kernels/copy_table.h"
#include "kernels/elementwise_table.h"
#include "kernels/gemm_table.h"
#include "kernels/norm_table.h"
#include "kernels/pool_table.h"
#include "kernels/random_table.h"
#include "kernels/reduce_table.h"
#include "kernels/rnn_table.h"
#include "kernels/softmax_table.h"
#include "kernels/update_table.h"

namespace sf {

template <class T>
struct Kernels : ElementwiseKernels<T> {
  int width = 0;  // lanes of a vector register
  ConvKernels<T> conv;
  CopyKernels<T> copy;
  GemmKernels<T> gemm;
  NormKernels<T> norm;
  PoolKernels<T> pool;
  RandomKernels<T> random;
  ReduceKernels<T> reduce;
  RnnKernels<T> rnn;
  SoftmaxKernels<T> softmax;
  UpdateKernels update;
};

struct KernelTable {
  const char* isa = nullptr;
  Kernels<float> f32;
  Kernels<double> f64;
};

}  // namespace sf
