#include "bind/signature.h"

#include <pybind11/eval.h>

#include <cstring>
#include <string_view>

#include "base/error.h"

namespace sf::bind {
namespace {

namespace py = pybind11;

std::string_view strip(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Splits at commas outside brackets and quotes.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  size_t begin = 0;
  int depth = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    depth += c == '(' || c == '[';
    depth -= c == ')' || c == ']';
    if (c == ',' && depth == 0) {
      if (const auto part = strip(text.substr(begin, i - begin)); !part.empty()) {
        parts.push_back(part);
      }
      begin = i + 1;
    }
  }
  return parts;
}

Parameter parse_parameter(std::string_view text, bool keyword_only) {
  const size_t space = text.find(' ');
  const size_t equals = text.find('=');
  if (space == std::string_view::npos) throw RuntimeError("bad parameter '", text, "'");
  Parameter out{};
  out.type = text.substr(0, space);
  out.name = strip(text.substr(space + 1, equals - space - 1));
  out.interned_name = PyUnicode_InternFromString(out.name.c_str());
  out.keyword_only = keyword_only;
  out.variadic = out.type == "int...";
  if (equals != std::string_view::npos) {
    out.default_value = py::eval(py::str(std::string(text.substr(equals + 1)))).release().ptr();
  }
  return out;
}

[[noreturn]] void fail(const Signature& signature, const std::string& what) {
  throw TypeError("[", signature.name, "] ", what, "; its signature is ", signature.text);
}

size_t find_keyword(const Signature& signature, PyObject* name) {
  const auto& parameters = signature.parameters;
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].interned_name == name) return i;
  }
  const char* text = PyUnicode_AsUTF8(name);
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (text && parameters[i].name == text) return i;
  }
  fail(signature, str("unknown argument '", text ? text : "?", "'"));
}

}  // namespace

Signature::Signature(const char* signature_text) : text(signature_text) {
  const size_t open = text.find('(');
  const size_t close = text.rfind(") ->");
  if (open == std::string::npos || close == std::string::npos) {
    throw RuntimeError("bad signature '", text, "'");
  }
  name = text.substr(0, open);
  returns = strip(std::string_view(text).substr(close + 4));
  bool keyword_only = false;
  for (const auto part : split(std::string_view(text).substr(open + 1, close - open - 1))) {
    if (part == "*") {
      keyword_only = true;
    } else {
      parameters.push_back(parse_parameter(part, keyword_only));
    }
  }
  if (parameters.size() > kMaxParameters) throw RuntimeError("too many parameters in ", text);
}

void bind_arguments(const Signature& signature, PyObject* const* args, size_t num_positional,
                    PyObject* keyword_names, PyObject** values, py::object& gathered) {
  const auto& parameters = signature.parameters;
  for (size_t i = 0; i < parameters.size(); ++i) values[i] = nullptr;
  for (size_t i = 0; i < num_positional; ++i) {
    if (i >= parameters.size() || parameters[i].keyword_only) {
      fail(signature, str("takes at most ", i, " positional arguments, got ", num_positional));
    }
    if (parameters[i].variadic && PyIndex_Check(args[i]) && !PySequence_Check(args[i])) {
      py::tuple rest(num_positional - i);
      for (size_t k = i; k < num_positional; ++k) {
        rest[k - i] = py::reinterpret_borrow<py::object>(args[k]);
      }
      gathered = rest;
      values[i] = gathered.ptr();
      break;
    }
    values[i] = args[i];
  }
  const Py_ssize_t num_keywords = keyword_names ? PyTuple_GET_SIZE(keyword_names) : 0;
  for (Py_ssize_t k = 0; k < num_keywords; ++k) {
    const size_t i = find_keyword(signature, PyTuple_GET_ITEM(keyword_names, k));
    if (values[i]) fail(signature, str("got two values for '", parameters[i].name, "'"));
    values[i] = args[num_positional + static_cast<size_t>(k)];
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (values[i]) continue;
    values[i] = parameters[i].default_value;
    if (values[i]) continue;
    if (parameters[i].variadic) {  // x.permute() and zeros(): no sizes at all
      gathered = py::tuple();
      values[i] = gathered.ptr();
    } else {
      fail(signature, str("needs the argument '", parameters[i].name, "'"));
    }
  }
}

}  // namespace sf::bind
