// Padding.
#include "bind/op.h"
#include "ops/padding.h"

namespace sf::bind {

void register_resample(OpTable& ops) {
  ops.add(
      "pad(Tensor input, int[] pad, str mode='constant', float? value=None) -> Tensor",
      [](const Tensor& input, const Shape& sizes, const std::string& mode,
         const std::optional<double>& value) {
        if (mode == "constant") return pad(input, sizes, value.value_or(0));
        if (value.value_or(0) != 0) {
          throw ValueError("[pad] value=", *value, " with mode '", mode,
                           "': only mode 'constant' takes a value");
        }
        return pad_by_mode(input, sizes, mode);
      },
      "Pads with a constant, or by reflect, replicate or circular; `pad` counts from the last "
      "dimension: (left, right, top, bottom, ...). Negative numbers cut.",
      Where::kFunction);
}

}  // namespace sf::bind
