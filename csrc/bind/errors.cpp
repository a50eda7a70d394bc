#include "bind/errors.h"

#include <new>

#include "base/error.h"

namespace sf::bind {
namespace {

namespace py = pybind11;

PyObject* shape_error = nullptr;
PyObject* dtype_error = nullptr;

PyObject* new_exception(const char* name, const char* doc, PyObject* first, PyObject* second) {
  const py::tuple bases = py::make_tuple(py::handle(first), py::handle(second));
  const std::string full_name = std::string("surefoot.") + name;
  PyObject* type = PyErr_NewExceptionWithDoc(full_name.c_str(), doc, bases.ptr(), nullptr);
  if (!type) throw py::error_already_set();
  return type;
}

PyObject* python_type(const Error& error) {
  if (dynamic_cast<const ShapeError*>(&error)) return shape_error;
  if (dynamic_cast<const DtypeError*>(&error)) return dtype_error;
  if (dynamic_cast<const ValueError*>(&error)) return PyExc_ValueError;
  if (dynamic_cast<const TypeError*>(&error)) return PyExc_TypeError;
  if (dynamic_cast<const IndexError*>(&error)) return PyExc_IndexError;
  if (dynamic_cast<const NotImplementedError*>(&error)) return PyExc_NotImplementedError;
  if (dynamic_cast<const MemoryError*>(&error)) return PyExc_MemoryError;
  return PyExc_RuntimeError;
}

std::string retagged(const std::string& text, const char* op) {
  const size_t end = text.find(']');
  if (!op || !text.starts_with('[') || end == std::string::npos) return text;
  return "[" + std::string(op) + text.substr(end);
}

}  // namespace

void set_python_error(const char* op) noexcept {
  try {
    throw;
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const Error& error) {
    PyErr_SetString(python_type(error), retagged(error.what(), op).c_str());
  } catch (const std::bad_alloc&) {
    PyErr_SetString(PyExc_MemoryError, retagged("[memory] not enough for the result", op).c_str());
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
}

void register_errors(py::module_& m) {
  shape_error = new_exception("ShapeError", "Shapes that do not fit each other.", PyExc_ValueError,
                              PyExc_RuntimeError);
  dtype_error = new_exception("DtypeError", "A dtype that an op does not take.", PyExc_TypeError,
                              PyExc_RuntimeError);
  m.add_object("ShapeError", shape_error);
  m.add_object("DtypeError", dtype_error);
  py::register_exception_translator([](std::exception_ptr exception) {
    try {
      if (exception) std::rethrow_exception(exception);
    } catch (const Error&) {
      set_python_error();
    }
  });
}

}  // namespace sf::bind
