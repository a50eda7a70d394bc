// Registering an op: one line with its signature, the C++ function and its documentation gives the
// function surefoot.NAME, the method Tensor.NAME, the stub and the error texts.
//
//   ops.add("relu(Tensor input) -> Tensor", &relu, "max(x, 0), elementwise.");
//
// The function takes the parameters of the signature in their order, in the types of from_python.h.
// Ops whose first parameter is a tensor named `input` are methods too (kBoth); others say so.
#pragma once
#include <deque>
#include <tuple>

#include "bind/errors.h"
#include "bind/from_python.h"
#include "bind/gil.h"
#include "bind/signature.h"

namespace sf::bind {

// What ops take for a tensor that is left out.
inline Tensor or_undefined(const std::optional<Tensor>& tensor) {
  return tensor.value_or(Tensor());
}

enum class Where { kBoth, kFunction, kMethod };

// The Python object that a returned value becomes. New reference.
PyObject* to_python(const Tensor& tensor);
PyObject* to_python(const std::vector<Tensor>& tensors);  // a tuple
// A named tuple (values, indices), as max(dim), sort and topk return it.
struct ValuesIndices {
  Tensor values, indices;
};
PyObject* to_python(const ValuesIndices& pair);
// One tensor or, where it is undefined, a tuple.
struct TensorOrTuple {
  Tensor one{};
  std::vector<Tensor> many{};
};
inline PyObject* to_python(const TensorOrTuple& t) {
  return t.one.defined() ? to_python(t.one) : to_python(t.many);
}
inline PyObject* to_python(py::object value) { return value.release().ptr(); }
inline PyObject* to_python(bool value) { return PyBool_FromLong(value); }
inline PyObject* to_python(int64_t value) { return PyLong_FromLongLong(value); }
inline PyObject* to_python(double value) { return PyFloat_FromDouble(value); }

// Ops with an argument of this many elements release the GIL: below it, giving it back costs more
// than the op.
constexpr int64_t kReleaseGilNumel = 16384;

struct Op {
  using Invoke = PyObject* (*)(const Op& op, PyObject* const* values);
  Op(const char* text, Invoke invoke_fn, void (*target_fn)(), const char* doc_text, Where at)
      : signature(text), invoke(invoke_fn), target(target_fn), doc(doc_text), where(at) {}

  Signature signature;
  Invoke invoke;
  void (*target)();
  const char* doc;
  Where where;
};

// Calls with Python's arguments; null with an exception set on failure.
PyObject* call_op(const Op& op, PyObject* const* args, size_t num_positional,
                  PyObject* keyword_names);

namespace detail {

[[noreturn]] void rethrow_with_argument(const Op& op, size_t i);

template <class T>
std::decay_t<T> argument(const Op& op, PyObject* const* values, size_t i) {
  try {
    return From<std::decay_t<T>>::get(values[i]);
  } catch (const Error&) {
    rethrow_with_argument(op, i);
  }
}

template <class T>
int64_t work(const T& value) {
  if constexpr (std::is_same_v<T, Tensor>) {
    return value.numel();
  } else if constexpr (std::is_same_v<T, Operand>) {
    return value.tensor.defined() ? value.tensor.numel() : 0;
  } else if constexpr (std::is_same_v<T, std::vector<Tensor>>) {
    int64_t sum = 0;
    for (const Tensor& t : value) sum += t.numel();
    return sum;
  } else if constexpr (std::is_same_v<T, Shape>) {
    return value.numel();
  } else {
    return 0;
  }
}

template <class R, class... A>
struct Invoker {
  template <size_t... I>
  static PyObject* run(const Op& op, PyObject* const* values, std::index_sequence<I...>) {
    const auto fn = reinterpret_cast<R (*)(A...)>(op.target);
    // Braces: arguments are converted from left to right.
    std::tuple<std::decay_t<A>...> args{argument<A>(op, values, I)...};
    constexpr bool kTouchesPython =
        (std::is_base_of_v<py::object, std::decay_t<A>> || ... || std::is_base_of_v<py::object, R>);
    const bool large =
        !kTouchesPython && ((work(std::get<I>(args)) >= kReleaseGilNumel) || ... || false);
    const auto call = [&]() -> R { return fn(std::get<I>(args)...); };
    const auto run_it = [&]() -> R { return large ? without_gil(call) : call(); };
    if constexpr (std::is_void_v<R>) {
      run_it();
      Py_RETURN_NONE;
    } else {
      return to_python(run_it());
    }
  }
  static PyObject* invoke(const Op& op, PyObject* const* values) {
    return run(op, values, std::index_sequence_for<A...>());
  }
};

}  // namespace detail

// All ops of the module. References stay valid: the table only grows.
class OpTable {
 public:
  template <class R, class... A>
  void add(const char* signature, R (*fn)(A...), const char* doc, Where where = Where::kBoth) {
    insert(Op(signature, &detail::Invoker<R, A...>::invoke, reinterpret_cast<void (*)()>(fn), doc,
              where),
           sizeof...(A));
  }
  // A captureless lambda.
  template <class F>
    requires std::is_class_v<F>
  void add(const char* signature, F fn, const char* doc, Where where = Where::kBoth) {
    add(signature, +fn, doc, where);
  }
  const std::deque<Op>& all() const { return ops_; }
  const Op* find(std::string_view name) const;

 private:
  void insert(Op op, size_t num_parameters);
  std::deque<Op> ops_;
};

OpTable& op_table();

// Makes functions in `m` and methods of Tensor out of the table; `_op_signatures()` lists it.
void publish_ops(py::module_& m);

// One per family, in bind_<family>.cpp.
void register_activation(OpTable& ops);
void register_autograd(OpTable& ops);
void register_compare(OpTable& ops);
void register_conv(OpTable& ops);
void register_convert(OpTable& ops);
void register_create(OpTable& ops);
void register_elementwise(OpTable& ops);
void register_embedding(OpTable& ops);
void register_index(OpTable& ops);
void register_loss(OpTable& ops);
void register_matmul(OpTable& ops);
void register_norm(OpTable& ops);
void register_pool(OpTable& ops);
void register_random(OpTable& ops);
void register_reduce(OpTable& ops);
void register_scatter(OpTable& ops);
void register_rnn(OpTable& ops);
void register_resample(OpTable& ops);
void register_shape(OpTable& ops);

}  // namespace sf::bind
