// The recurrent cells in public ops, step by step: what the kernels compute, differentiable as
// often as one likes.
#pragma once
#include "kernels/rnn.h"
#include "ops/rnn.h"

namespace sf {

// As rnn_layer, for arguments that have been checked.
std::vector<Tensor> unrolled_rnn(const RnnPlan& plan, const Tensor& x, const Tensor& h0,
                                 const Tensor& c0, const RnnParameters& parameters);

}  // namespace sf
