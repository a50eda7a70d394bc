// Threads, instruction set, memory, random streams.
#include <pybind11/stl.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "bind/from_python.h"
#include "bind/module.h"
#include "kernels/dispatch.h"
#include "tensor/create.h"

namespace sf::bind {
namespace {

py::dict stats_dict() {
  const MemoryStats stats = memory_stats();
  py::dict out;
  out["allocated_bytes"] = stats.allocated_bytes;
  out["peak_allocated_bytes"] = stats.peak_allocated_bytes;
  out["cached_bytes"] = stats.cached_bytes;
  out["num_allocations"] = stats.num_allocations;
  out["num_system_allocations"] = stats.num_system_allocations;
  return out;
}

// The state of a stream as the bytes of (seed, draw).
Tensor state_tensor(const Generator& generator) {
  const RandomKey key = generator.state();
  Tensor out = empty({sizeof key}, Dtype::kUint8);
  std::memcpy(out.data(), &key, sizeof key);
  return out;
}

void set_state_tensor(Generator& generator, const Tensor& state) {
  RandomKey key{};
  if (state.dtype() != Dtype::kUint8 || state.shape() != Shape{sizeof key}) {
    throw ValueError("[set_state] expected the uint8 tensor of shape (", sizeof key,
                     ",) that get_state() gave, got ", state.dtype(), " of shape ", state.shape());
  }
  std::memcpy(&key, contiguous_copy(state).data(), sizeof key);
  generator.set_state(key);
}

// Any integer of 64 bits, signed or not, as PyTorch takes them.
uint64_t seed_of(const py::int_& seed) {
  const py::int_ mask(~uint64_t{0});
  return py::cast<uint64_t>(py::object(seed.attr("__and__")(mask)));
}

void bind_random(py::module_& m) {
  py::class_<Generator, Ref<Generator>>(
      m, "Generator",
      "A stream of random numbers: counter-based (Philox), so that numbers depend "
      "on the seed and the order of draws alone, never on threads.")
      .def(py::init([](const py::int_& seed) { return make_ref<Generator>(seed_of(seed)); }),
           py::arg("seed") = 0)
      .def(
          "manual_seed",
          [](Ref<Generator> self, const py::int_& seed) {
            self->manual_seed(seed_of(seed));
            return self;
          },
          py::arg("seed"), "Starts the stream of this seed from its beginning.")
      .def("initial_seed", [](const Generator& self) { return self.state().seed; })
      .def("get_state", &state_tensor, "The position in the stream, as a uint8 tensor.")
      .def("set_state", &set_state_tensor, py::arg("state"), "Goes back to a position.");
  m.attr("default_generator") = Ref<Generator>(&default_generator());
  m.def(
      "manual_seed",
      [](const py::int_& seed) {
        default_generator().manual_seed(seed_of(seed));
        return Ref<Generator>(&default_generator());
      },
      py::arg("seed"), "Seeds the default generator and returns it.");
  m.def(
      "get_rng_state", [] { return state_tensor(default_generator()); },
      "The state of the default generator.");
  m.def(
      "set_rng_state", [](const Tensor& state) { set_state_tensor(default_generator(), state); },
      py::arg("state"), "Sets the state of the default generator.");
}

}  // namespace

void bind_runtime(py::module_& m) {
  m.def("set_num_threads", &set_num_threads, py::arg("n"),
        "Threads that one op may use. Results do not depend on it.");
  m.def("get_num_threads", &num_threads,
        "Threads that one op may use: the CPUs this process may run on, or what set_num_threads "
        "asked for.");
  m.def("_isa", &isa_name, "The instruction set in use.");
  m.def("_available_isas", &available_isas, "Those that this machine can run.");
  m.def("memory_stats", &stats_dict,
        "Bytes in live tensors, their peak, bytes cached for reuse, and numbers of allocations.");
  m.def("reset_peak_memory_stats", &reset_peak_memory, "Forgets the peak so far.");
  m.def("empty_cache", &pool_release_cached, "Gives cached memory back to the system.");
  m.def("_fail_allocation_after", &fail_allocation_after, py::arg("k"),
        "For tests: the k-th allocation from now on fails; -1 disarms.");
  bind_random(m);
}

}  // namespace sf::bind
