// Reductions, extremes, running sums.
#include "bind/op.h"
#include "ops/binary.h"
#include "ops/convert.h"
#include "ops/distance.h"
#include "ops/reduce.h"

namespace sf::bind {
namespace {

void register_sums(OpTable& ops) {
  ops.add("sum(Tensor input, int[]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
          &sum, "The sum over dim, or over all; integers give int64.");
  ops.add("prod(Tensor input, int? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
          &prod, "The product along dim, or of all; integers give int64.");
  ops.add("cumsum(Tensor input, int dim, *, dtype? dtype=None) -> Tensor", &cumsum,
          "Running sums along dim: y[i] = x[0] + ... + x[i].");
  ops.add("any(Tensor input, int[]? dim=None, bool keepdim=False) -> Tensor", &any,
          "Whether some element along dim is not zero.");
  ops.add("all(Tensor input, int[]? dim=None, bool keepdim=False) -> Tensor", &all,
          "Whether every element along dim is not zero.");
}

// torch writes var(x, dim), var(x, dim, unbiased=False) and var(x, dim, correction=0).
double correction_of(const char* op, std::optional<bool> unbiased,
                     std::optional<double> correction) {
  if (unbiased && correction) {
    throw TypeError("[", op, "] takes unbiased or correction, not both");
  }
  return correction.value_or(unbiased.value_or(true) ? 1 : 0);
}

void register_statistics(OpTable& ops) {
  ops.add("mean(Tensor input, int[]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
          &mean, "The mean over dim, or over all.");
  ops.add(
      "var(Tensor input, int[]? dim=None, bool? unbiased=None, bool keepdim=False, *, "
      "float? correction=None) -> Tensor",
      [](const Tensor& x, const Dims& dims, std::optional<bool> unbiased, bool keepdim,
         std::optional<double> correction) {
        return var(x, dims, correction_of("var", unbiased, correction), keepdim);
      },
      "sum((x - mean)^2) / (n - correction); correction is 1, or 0 for unbiased=False.");
  ops.add(
      "std(Tensor input, int[]? dim=None, bool? unbiased=None, bool keepdim=False, *, "
      "float? correction=None) -> Tensor",
      [](const Tensor& x, const Dims& dims, std::optional<bool> unbiased, bool keepdim,
         std::optional<double> correction) {
        return std(x, dims, correction_of("std", unbiased, correction), keepdim);
      },
      "The square root of var.");
  ops.add(
      "logsumexp(Tensor input, int[] dim, bool keepdim=False) -> Tensor",
      [](const Tensor& x, const Shape& dims, bool keepdim) { return logsumexp(x, dims, keepdim); },
      "log(sum(exp(x))) over dim, without overflow.");
  ops.add(
      "norm(Tensor input, float|str p=2, int[]? dim=None, bool keepdim=False, *, "
      "dtype? dtype=None) -> Tensor",
      [](const Tensor& x, const py::object& p, const Dims& dims, bool keepdim, MaybeDtype dtype) {
        const bool named = py::isinstance<py::str>(p);
        if (named && py::str(p).cast<std::string>() != "fro") {
          throw ValueError("[norm] p must be a number or 'fro', got ",
                           py::str(p).cast<std::string>());
        }
        const double power = named ? 2 : From<double>::get(p.ptr());
        return norm(dtype ? to(x, *dtype) : x, power, dims, keepdim);
      },
      "(sum |x|^p)^(1/p) over dim, or over all; p may be inf, -inf or 0.");
}

ValuesIndices pair(Extremes extremes) { return {extremes.values, extremes.indices}; }

// max(x) is a value, max(x, dim) a pair, max(x, other) elementwise.
using Along = Extremes (*)(const Tensor&, int64_t, bool);
using Whole = Tensor (*)(const Tensor&);
using Pairwise = Tensor (*)(const Tensor&, const Tensor&);

template <Along along, Whole whole, Pairwise pairwise>
py::object extreme(const Tensor& input, const py::object& dim, bool keepdim) {
  const auto steal = [](PyObject* object) { return py::reinterpret_steal<py::object>(object); };
  if (dim.is_none()) {
    return steal(to_python(whole(input)));
  }
  if (is_tensor(dim.ptr())) return steal(to_python(pairwise(input, unwrap(dim.ptr()))));
  return steal(to_python(pair(along(input, From<int64_t>::get(dim.ptr()), keepdim))));
}

void register_extremes(OpTable& ops) {
  ops.add("amax(Tensor input, int[]? dim=None, bool keepdim=False) -> Tensor", &amax,
          "The largest element over dim; equal ones share the gradient.");
  ops.add("amin(Tensor input, int[]? dim=None, bool keepdim=False) -> Tensor", &amin,
          "The smallest element over dim; equal ones share the gradient.");
  ops.add("max(Tensor input, int|Tensor? dim=None, bool keepdim=False) -> Tensor|ValuesIndices",
          &extreme<&max, &max, &maximum>,
          "The largest element; with dim (values, indices) along it; with a tensor the larger of "
          "both.");
  ops.add("min(Tensor input, int|Tensor? dim=None, bool keepdim=False) -> Tensor|ValuesIndices",
          &extreme<&min, &min, &minimum>,
          "The smallest element; with dim (values, indices) along it; with a tensor the smaller of "
          "both.");
  ops.add("argmax(Tensor input, int? dim=None, bool keepdim=False) -> Tensor", &argmax,
          "The index of the first largest element along dim, or in the flattened tensor.");
  ops.add("argmin(Tensor input, int? dim=None, bool keepdim=False) -> Tensor", &argmin,
          "The index of the first smallest element along dim, or in the flattened tensor.");
}

void register_distances(OpTable& ops) {
  ops.add("normalize(Tensor input, float p=2.0, int[] dim=1, float eps=1e-12) -> Tensor",
          &normalize, "input / max(|input|_p, eps), the norm taken over dim.", Where::kFunction);
  ops.add("cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-8) -> Tensor",
          &cosine_similarity,
          "x1 x2 / (max(|x1|, eps) max(|x2|, eps)) along dim, after broadcasting.",
          Where::kFunction);
  ops.add(
      "pairwise_distance(Tensor x1, Tensor x2, float p=2.0, float eps=1e-6, bool keepdim=False) "
      "-> Tensor",
      &pairwise_distance, "|x1 - x2 + eps|_p over the last dimension, after broadcasting.",
      Where::kFunction);
}

}  // namespace

void register_reduce(OpTable& ops) {
  register_sums(ops);
  register_statistics(ops);
  register_extremes(ops);
  register_distances(ops);
}

}  // namespace sf::bind
