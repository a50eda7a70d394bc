// Convolutions, in the signatures of torch.nn.functional.
#include "bind/op.h"
#include "ops/conv.h"

namespace sf::bind {

// Sizes, or one of the words 'same' and 'valid'.
struct Padding {
  bool same = false;
  Shape sizes{0};
};

template <>
struct From<Padding> {
  static Padding get(PyObject* object) {
    if (!PyUnicode_Check(object)) return {false, From<Shape>::get(object)};
    const std::string word = From<std::string>::get(object);
    if (word == "same") return {true, {0}};
    if (word == "valid") return {false, {0}};
    throw ValueError("must be 'same', 'valid' or integers, got '", word, "'");
  }
};

namespace {

using MaybeTensor = std::optional<Tensor>;
using Conv = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, const ConvOptions&);

template <Conv conv>
Tensor call_conv(const Tensor& input, const Tensor& weight, const MaybeTensor& bias,
                 const Shape& stride, const Padding& padding, const Shape& dilation,
                 int64_t groups) {
  return conv(input, weight, or_undefined(bias),
              {stride, padding.sizes, dilation, groups, padding.same, {0}});
}

template <Conv conv>
Tensor call_transposed(const Tensor& input, const Tensor& weight, const MaybeTensor& bias,
                       const Shape& stride, const Shape& padding, const Shape& output_padding,
                       int64_t groups, const Shape& dilation) {
  return conv(input, weight, or_undefined(bias),
              {stride, padding, dilation, groups, false, output_padding});
}

template <Conv conv>
void add_conv(OpTable& ops, const std::string& name, const char* doc) {
  ops.add((name + "(Tensor input, Tensor weight, Tensor? bias=None, int[] stride=1, "
                  "int[]|str padding=0, int[] dilation=1, int groups=1) -> Tensor")
              .c_str(),
          &call_conv<conv>, doc, Where::kFunction);
}

template <Conv conv>
void add_transposed(OpTable& ops, const std::string& name, const char* doc) {
  ops.add((name + "(Tensor input, Tensor weight, Tensor? bias=None, int[] stride=1, "
                  "int[] padding=0, int[] output_padding=0, int groups=1, int[] dilation=1) -> "
                  "Tensor")
              .c_str(),
          &call_transposed<conv>, doc, Where::kFunction);
}

}  // namespace

void register_conv(OpTable& ops) {
  add_conv<&conv1d>(ops, "conv1d",
                    "Cross-correlation of signals (N, C, L) with weight (O, C / groups, K).");
  add_conv<&conv2d>(
      ops, "conv2d",
      "Cross-correlation of images (N, C, H, W) with weight (O, C / groups, KH, KW).");
  add_transposed<&conv_transpose1d>(
      ops, "conv_transpose1d",
      "The gradient of conv1d's input as an op: weight (C, O / groups, K).");
  add_transposed<&conv_transpose2d>(
      ops, "conv_transpose2d",
      "The gradient of conv2d's input as an op: weight (C, O / groups, KH, KW).");
}

}  // namespace sf::bind
