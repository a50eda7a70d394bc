#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "autograd/meta.h"
#include "base/memory.h"
#include "base/rng.h"
#include "check.h"
#include "kernels/dispatch.h"
#include "tensor/create.h"

namespace {

// Forks again and again while two threads call use() all the time; each child calls it, too.
// Whether all of them came to an end.
template <class F>
bool children_finish(const F& use) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> users;
  for (int i = 0; i < 2; ++i) {
    users.emplace_back([&] {
      while (!stop) use();
    });
  }
  bool good = true;
  for (int i = 0; i < 100 && good; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(2);
      for (int k = 0; k < 100; ++k) use();
      _exit(0);
    }
    int status = 1;
    waitpid(child, &status, 0);
    good = status == 0;
  }
  stop = true;
  for (std::thread& user : users) user.join();
  return good;
}

}  // namespace

TEST(fork_while_others_draw_random_numbers) {
  const auto generator = sf::make_ref<sf::Generator>(1);
  CHECK(children_finish([&] { generator->next(); }));
}

TEST(fork_while_others_choose_kernels) {
  const std::string isa = sf::available_isas().back();
  CHECK(children_finish([&] { sf::set_isa(isa); }));
}

TEST(fork_while_others_allocate) {
  CHECK(children_finish([] { sf::pool_free(sf::pool_allocate(64), 64); }));
}

TEST(fork_while_others_use_a_gradient) {
  const sf::Tensor leaf = sf::zeros({2}, sf::Dtype::kFloat32);
  const sf::Tensor one = sf::full({2}, 1, sf::Dtype::kFloat32);
  sf::set_requires_grad(leaf, true);
  CHECK(children_finish([&] {
    sf::gradient_edge(leaf);
    sf::set_grad(leaf, one);
    sf::grad_of(leaf);
  }));
}
