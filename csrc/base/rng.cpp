#include "base/rng.h"

namespace sf {

Generator& default_generator() {
  static const Ref<Generator> instance = make_ref<Generator>();
  return *instance;
}

}  // namespace sf
