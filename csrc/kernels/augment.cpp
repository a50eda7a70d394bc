// A program of transforms, sample by sample: what one step leaves in the cache the next one reads.
#include "kernels/augment.h"

#include <algorithm>
#include <cstring>

#include "base/parallel.h"
#include "base/rounding.h"
#include "kernels/augment_pixel.h"
#include "kernels/augment_warp.h"
#include "kernels/launch.h"

namespace sf {
namespace {

// Steps [begin, end) that run as one: geometry as one warp, others alone.
struct Stage {
  size_t begin, end;
  bool moves;  // reads one buffer and writes another
};

std::vector<Stage> stages_of(const std::vector<AugmentStep>& steps) {
  std::vector<Stage> stages;
  for (size_t k = 0; k < steps.size(); ++k) {
    const AugmentKind kind = steps[k].kind;
    const bool joins = !stages.empty() && is_geometry(steps[stages.back().begin].kind) &&
                       may_join(steps, stages.back().begin, k);
    if (joins) {
      stages.back().end = k + 1;
    } else {
      stages.push_back({k, k + 1, is_geometry(kind) || kind == AugmentKind::kWarpRows});
    }
  }
  return stages;
}

// Samples of a batch are cut into chunks for the threads. Results do not depend on the cut; scratch
// memory, two samples a chunk, does: so there are few.
constexpr int64_t kChunkElementsAimed = 16384, kMostChunks = 32;

Chunks chunks_of(const SampleShape& from, int64_t n) {
  const int64_t small = kChunkElementsAimed / std::max<int64_t>(1, from.numel());
  return {n, std::max({int64_t{1}, small, ceil_div(n, kMostChunks)})};
}

// Scratch buffers that a sample needs: one for what stands before a move, two to move between.
int64_t spares_of(const std::vector<Stage>& stages) {
  int64_t moves = 0;
  for (const Stage& stage : stages) moves += stage.moves;
  if (moves == 0) return 0;
  return std::min<int64_t>(2, moves - 1 + (stages.front().moves ? 0 : 1));
}

int64_t largest(const std::vector<AugmentStep>& steps, SampleShape shape) {
  int64_t most = shape.numel();
  for (const AugmentStep& step : steps) {
    shape = shape_after(step, shape);
    most = std::max(most, shape.numel());
  }
  return most;
}

// One sample on its way through the stages: it is read where it lies, and comes to its place in the
// batch with the last move; between moves it lies in one of two scratch buffers.
template <class T>
class Journey {
 public:
  Journey(const T* x, const SampleShape& shape, T* scratch, int64_t scratch_size, T* out)
      : at_(x), shape_(shape), spare_{scratch, scratch + scratch_size}, out_(out) {}

  void run(const AugmentRun& run, const std::vector<Stage>& stages, int64_t index) {
    moves_left_ = std::count_if(stages.begin(), stages.end(), [](auto& s) { return s.moves; });
    for (const Stage& stage : stages) {
      if (stage.moves) {
        move(run, stage, index);
      } else {
        const AugmentStep& step = run.steps[stage.begin];
        SampleStream stream(run.key, step.place, index);
        change_sample(step, stream, own(), shape_);
      }
    }
    own();
  }

 private:
  T* next() {
    if (moves_left_ == 0) return out_;
    return at_ == spare_[0] ? spare_[1] : spare_[0];
  }

  void move(const AugmentRun& run, const Stage& stage, int64_t index) {
    --moves_left_;
    T* to = next();
    const AugmentStep& step = run.steps[stage.begin];
    if (step.kind == AugmentKind::kWarpRows) {
      SampleStream stream(run.key, step.place, index);
      warp_rows(step, stream, at_, to, shape_);
    } else {
      const SampleShape from = shape_;
      const WarpMap map = warp_map(run, stage.begin, stage.end, index, shape_);
      warp_sample(map, at_, from, to, shape_);
    }
    at_ = owned_ = to;
  }

  // The sample in memory that may be written.
  T* own() {
    if (at_ != owned_) {
      owned_ = next();
      std::memcpy(owned_, at_, static_cast<size_t>(shape_.numel()) * sizeof(T));
      at_ = owned_;
    }
    return owned_;
  }

  const T* at_;
  SampleShape shape_;
  T* spare_[2];
  T* out_;
  T* owned_ = nullptr;
  int64_t moves_left_ = 0;
};

template <class T>
void run_as(const Array& x, const Array& y, const Array& scratch, const SampleShape& from,
            const AugmentRun& run) {
  const int64_t n = x.shape[0], size = largest(run.steps, from);
  const int64_t to = n == 0 ? 0 : y.numel() / n;
  const Chunks chunks = chunks_of(from, n);
  launch("augment", [=] {
    const std::vector<Stage> stages = stages_of(run.steps);
    const int64_t spares = spares_of(stages);
    parallel_for(chunks.count(), [&](int64_t chunk) {
      T* spare = scratch.as<T>() + spares * size * chunk;
      for (int64_t i = chunks.begin(chunk); i < chunks.end(chunk); ++i) {
        Journey<T> journey(x.as<T>() + i * from.numel(), from, spare, size, y.as<T>() + i * to);
        journey.run(run, stages, run.index[i]);
      }
    });
  });
}

}  // namespace

int64_t augment_scratch(const std::vector<AugmentStep>& steps, const SampleShape& from, int64_t n) {
  return spares_of(stages_of(steps)) * largest(steps, from) * chunks_of(from, n).count();
}

void run_augment(const Array& x, const Array& y, const Array& scratch, const SampleShape& from,
                 const AugmentRun& run) {
  if (x.dtype == Dtype::kUint8) return run_as<uint8_t>(x, y, scratch, from, run);
  dispatch_floating(x.dtype, [&](auto zero) { run_as<decltype(zero)>(x, y, scratch, from, run); });
}

void run_normalize_bytes(const Array& x, const Array& y, const SampleShape& shape,
                         const AugmentStep& step) {
  launch("normalize_bytes", [=] {
    const Chunks chunks = chunks_of(shape, x.shape[0] * shape.channels);
    parallel_for(chunks.count(), [&](int64_t chunk) {
      for (int64_t p = chunks.begin(chunk); p < chunks.end(chunk); ++p) {
        const auto c = static_cast<int>(p % shape.channels);
        const float mean = static_cast<float>(step[c]);
        const float std = static_cast<float>(step[static_cast<int>(shape.channels) + c]);
        const uint8_t* from = x.as<uint8_t>() + p * shape.plane();
        float* to = y.as<float>() + p * shape.plane();
        for (int64_t i = 0; i < shape.plane(); ++i) {
          to[i] = (static_cast<float>(from[i]) / 255.f - mean) / std;
        }
      }
    });
  });
}

}  // namespace sf
