// The table of contents of surefoot._core.
#include "bind/module.h"

#include "bind/errors.h"
#include "bind/numpy_interop.h"
#include "bind/op.h"
#include "bind/tensor_operators.h"
#include "kernels/dispatch.h"

namespace {

namespace py = pybind11;

void register_all(sf::bind::OpTable& ops) {
  using namespace sf::bind;
  for (const auto& family :
       {&register_activation, &register_autograd, &register_compare, &register_conv,
        &register_convert, &register_create, &register_elementwise, &register_embedding,
        &register_index, &register_loss, &register_matmul, &register_norm, &register_pool,
        &register_random, &register_reduce, &register_resample, &register_rnn, &register_scatter,
        &register_shape}) {
    family(ops);
  }
}

py::list public_names(const py::module_& m) {
  py::list names;
  for (const auto& item : py::dict(m.attr("__dict__"))) {
    if (!py::str(item.first).cast<std::string>().starts_with("_")) names.append(item.first);
  }
  names.attr("sort")();
  return names;
}

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.doc() = "The compiled core of surefoot: tensors, autograd, kernels.";
  using namespace sf::bind;
  register_errors(m);
  sf::table();  // a wrong SUREFOOT_ISA is an error of the import
  register_tensor_type(m);
  register_dtypes(m);
  bind_runtime(m);
  bind_autograd(m);
  bind_callable(m);
  bind_data(m);
  bind_linalg(m);
  bind_optim(m);
  register_numpy_interop(m);
  register_dlpack(m);
  register_all(op_table());
  publish_ops(m);
  connect_operators();
  m.attr("__all__") = public_names(m);
  m.attr("__version__") = SF_VERSION;
}
