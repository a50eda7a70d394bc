// The order that random keys give to rows.
#pragma once
#include "tensor/tensor.h"

namespace sf {

// The rows 0 to N - 1 by rising key, equal keys by row: int64 (N,). keys is int64 (N,), contiguous,
// its bits read as unsigned numbers; keys that are spread evenly take time linear in N. DtypeError.
Tensor order_of_keys(const Tensor& keys);

}  // namespace sf
