// The operator slots of the Tensor type.
#pragma once
#include <pybind11/pybind11.h>

#include <vector>

namespace sf::bind {

std::vector<PyType_Slot> operator_slots();
// Looks up the ops that the slots call; after all ops are registered.
void connect_operators();

}  // namespace sf::bind
