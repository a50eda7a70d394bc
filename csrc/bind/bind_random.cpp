// Random tensors. Every function takes generator=None, which stands for the default generator.
#include "autograd/grad_mode.h"
#include "autograd/meta.h"
#include "bind/op.h"
#include "ops/binary.h"
#include "ops/random.h"

namespace sf::bind {
namespace {

using MaybeDtype = std::optional<Dtype>;

Tensor marked(Tensor t, bool requires_grad) {
  if (requires_grad) set_requires_grad(t, true);
  return t;
}
Dtype float_or(MaybeDtype dtype) { return dtype.value_or(Dtype::kFloat32); }

using Draw = Tensor (*)(const Shape&, Dtype, Generator&);
template <Draw draw>
Tensor sized(const Shape& size, Generator* generator, MaybeDtype dtype, bool requires_grad) {
  return marked(draw(size, float_or(dtype), *generator), requires_grad);
}
template <Draw draw>
Tensor like(const Tensor& input, Generator* generator, MaybeDtype dtype, bool requires_grad) {
  return marked(draw(input.shape(), dtype.value_or(input.dtype()), *generator), requires_grad);
}

// randint(high, size), randint(low, high, size).
Tensor call_randint(int64_t low, const py::object& high, const std::optional<Shape>& size,
                    Generator* generator, MaybeDtype dtype) {
  const Dtype result = dtype.value_or(Dtype::kInt64);
  if (size) {
    return randint(low, From<int64_t>::get(high.ptr()), *size, result, *generator);
  }
  return randint(0, low, From<Shape>::get(high.ptr()), result, *generator);
}

// mean and std may be tensors; without size the result has their shape.
Tensor call_normal(const Operand& mean, const Operand& std, const std::optional<Shape>& size,
                   Generator* generator, MaybeDtype dtype, bool requires_grad) {
  const bool tensors = mean.tensor.defined() || std.tensor.defined();
  if (tensors == size.has_value()) {
    throw TypeError("[normal] needs a size for numbers, and none for tensors");
  }
  const GradModeGuard no_grad(false);
  if (!tensors) {
    Tensor out = randn(*size, float_or(dtype), *generator);
    out = add(mul(out, std.resolve(out.dtype())), mean.resolve(out.dtype()));
    return marked(out, requires_grad);
  }
  const auto [m, s] = resolve(mean, std);
  const Shape shape = broadcast_shapes("normal", m.shape(), s.shape());
  const Tensor out =
      randn(shape, promote(promote(m.dtype(), s.dtype()), Dtype::kFloat32), *generator);
  return marked(add(mul(out, s), m), requires_grad);
}

void register_sized(OpTable& ops) {
  const auto add = [&ops](const char* signature, auto fn, const char* doc) {
    ops.add(signature, fn, doc, Where::kFunction);
  };
  add("rand(int... size, *, Generator? generator=None, dtype? dtype=None, "
      "bool requires_grad=False) -> Tensor",
      &sized<&rand>, "Uniform numbers in [0, 1).");
  add("randn(int... size, *, Generator? generator=None, dtype? dtype=None, "
      "bool requires_grad=False) -> Tensor",
      &sized<&randn>, "Standard normal numbers.");
  add("rand_like(Tensor input, *, Generator? generator=None, dtype? dtype=None, "
      "bool requires_grad=False) -> Tensor",
      &like<&rand>, "Uniform numbers in [0, 1) with the shape and dtype of input.");
  add("randn_like(Tensor input, *, Generator? generator=None, dtype? dtype=None, "
      "bool requires_grad=False) -> Tensor",
      &like<&randn>, "Standard normal numbers with the shape and dtype of input.");
  add("randint(int low, int|int[] high, int[]? size=None, *, Generator? generator=None, "
      "dtype? dtype=None) -> Tensor",
      &call_randint, "Integers in [low, high); randint(high, size) starts at 0.");
  add(
      "randperm(int n, *, Generator? generator=None, dtype? dtype=None) -> Tensor",
      [](int64_t n, Generator* generator, MaybeDtype dtype) {
        return randperm(n, dtype.value_or(Dtype::kInt64), *generator);
      },
      "The numbers 0 to n - 1 in random order.");
  add("normal(Tensor|Number mean, Tensor|Number std=1.0, int[]? size=None, *, "
      "Generator? generator=None, dtype? dtype=None, bool requires_grad=False) -> Tensor",
      &call_normal, "Normal numbers with the given mean and standard deviation.");
}

void register_drawn(OpTable& ops) {
  ops.add(
      "bernoulli(Tensor input, *, Generator? generator=None) -> Tensor",
      [](const Tensor& input, Generator* generator) { return bernoulli(input, *generator); },
      "1 with probability input, else 0, elementwise.");
  ops.add(
      "multinomial(Tensor input, int num_samples, bool replacement=False, *, "
      "Generator? generator=None) -> Tensor",
      [](const Tensor& input, int64_t n, bool replacement, Generator* generator) {
        return multinomial(input, n, replacement, *generator);
      },
      "Classes drawn by their weights, per row.");
}

Scaling scaling_of(const std::string& name) {
  if (name == "train") return Scaling::kTrain;
  if (name == "eval") return Scaling::kEval;
  throw ValueError("[dropout] scaling must be 'train' or 'eval', got '", name, "'");
}

using Drop = Tensor (*)(const Tensor&, double, bool, Scaling, Generator&);
template <Drop drop>
Tensor scaled_drop(const Tensor& input, double p, bool training, const std::string& scaling,
                   Generator* generator) {
  return drop(input, p, training, scaling_of(scaling), *generator);
}
using AlphaDrop = Tensor (*)(const Tensor&, double, bool, Generator&);
template <AlphaDrop drop>
Tensor alpha_drop(const Tensor& input, double p, bool training, Generator* generator) {
  return drop(input, p, training, *generator);
}

void register_dropout(OpTable& ops) {
  const auto add = [&ops](const std::string& name, const std::string& extra, auto fn,
                          const char* doc) {
    const std::string parameters = "(Tensor input, float p=0.5, bool training=True, *, ";
    ops.add((name + parameters + extra + "Generator? generator=None) -> Tensor").c_str(), fn, doc);
  };
  const char* scaling = "str scaling='train', ";
  add("dropout", scaling, &scaled_drop<&dropout>,
      "Elements set to 0 with probability p, the others scaled by 1 / (1 - p), while training; "
      "scaling='eval' leaves them, and multiplies by 1 - p when not training.");
  add("feature_dropout", scaling, &scaled_drop<&feature_dropout>,
      "Dropout of whole channels of (N, C, ...).");
  add("alpha_dropout", "", &alpha_drop<&alpha_dropout>,
      "Dropout that keeps mean 0 and variance 1: what is dropped becomes the limit of SELU.");
  add("feature_alpha_dropout", "", &alpha_drop<&feature_alpha_dropout>,
      "Alpha dropout of whole channels of (N, C, ...).");
}

void register_inplace(OpTable& ops) {
  const auto add = [&ops](const char* signature, auto fn, const char* doc) {
    ops.add(signature, fn, doc, Where::kMethod);
  };
  // `from` is a keyword of Python: torch's name, given by position.
  add(
      "uniform_(Tensor input, float from=0.0, float to=1.0, *, Generator? generator=None) -> "
      "Tensor",
      [](const Tensor& input, double low, double high, Generator* generator) {
        return uniform_(input, low, high, *generator);
      },
      "Uniform numbers in [from, to), in place.");
  add(
      "normal_(Tensor input, float mean=0.0, float std=1.0, *, Generator? generator=None) -> "
      "Tensor",
      [](const Tensor& input, double mean, double std, Generator* generator) {
        return normal_(input, mean, std, *generator);
      },
      "Normal numbers, in place.");
  add(
      "bernoulli_(Tensor input, float p=0.5, *, Generator? generator=None) -> Tensor",
      [](const Tensor& input, double p, Generator* generator) {
        return bernoulli_(input, p, *generator);
      },
      "1 with probability p, else 0, in place.");
}

}  // namespace

void register_random(OpTable& ops) {
  register_sized(ops);
  register_drawn(ops);
  register_dropout(ops);
  register_inplace(ops);
}

}  // namespace sf::bind
