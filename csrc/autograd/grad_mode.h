// Whether ops on this thread are recorded for differentiation.
#pragma once

namespace sf {

class GradMode {
 public:
  static bool enabled() { return enabled_; }
  static void set(bool enabled) { enabled_ = enabled; }

 private:
  static inline thread_local bool enabled_ = true;
};

// Sets the mode for its lifetime.
class GradModeGuard {
 public:
  explicit GradModeGuard(bool enabled) : before_(GradMode::enabled()) { GradMode::set(enabled); }
  ~GradModeGuard() { GradMode::set(before_); }
  GradModeGuard(const GradModeGuard&) = delete;
  GradModeGuard& operator=(const GradModeGuard&) = delete;

 private:
  bool before_;
};

}  // namespace sf
