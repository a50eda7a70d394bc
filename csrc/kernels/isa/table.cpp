// The table of one ISA: every family of kernels writes its functions into it.
#include "kernels/table.h"

#include "kernels/isa/vec.h"

namespace sf::SF_ISA_NAMESPACE {

void fill_conv(KernelTable& table);
void fill_copy(KernelTable& table);
void fill_gemm(KernelTable& table);
void fill_unary(KernelTable& table);
void fill_binary(KernelTable& table);
void fill_norm(KernelTable& table);
void fill_pool(KernelTable& table);
void fill_random(KernelTable& table);
void fill_reduce(KernelTable& table);
void fill_rnn(KernelTable& table);
void fill_resample(KernelTable& table);
void fill_softmax(KernelTable& table);
void fill_update(KernelTable& table);

void fill_table(KernelTable& table);

void fill_table(KernelTable& table) {
  table.isa = SF_ISA_NAME;
  table.f32.width = Vec<float>::kWidth;
  table.f64.width = Vec<double>::kWidth;
  fill_conv(table);
  fill_copy(table);
  fill_gemm(table);
  fill_update(table);
  fill_unary(table);
  fill_binary(table);
  fill_norm(table);
  fill_pool(table);
  fill_random(table);
  fill_reduce(table);
  fill_rnn(table);
  fill_resample(table);
  fill_softmax(table);
}

}  // namespace sf::SF_ISA_NAMESPACE
