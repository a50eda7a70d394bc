// Correlation: what a convolution, the gradient of its input and the transposed convolution are.
//
// The work is cut into units: a band of rows of an image, or a few small images. A unit copies what
// it reads of the source (conv_source.h). Then C (channels x pixels) = W (channels x K) B (K x
// pixels), where row k of B is a shifted view of the copy: the micro-kernel reads it where it lies
// if rows of pixels fill whole vectors, else a block of B is packed first.
#include <algorithm>

#include "base/parallel.h"
#include "kernels/conv_source.h"
#include "kernels/dispatch.h"
#include "kernels/gemm_product.h"

namespace sf {
namespace {

constexpr int64_t kBlockCols = 256;  // columns of B packed at a time
constexpr int64_t kMinUnits = 8;     // for the threads to share out
constexpr int64_t kMaxChunks = 32;
constexpr int64_t kTogether = 6;  // rows of pixels whose part of B stays in the first-level cache

// A grid made ready. Row k of B: channel k / taps, tap k % taps.
struct Part {
  const Grid* grid;
  int64_t depth;
  std::vector<int32_t> at;  // where row k begins in the copy
  int64_t weights;          // where its packed weights begin
  bool direct;
};

struct Unit {
  int64_t group, image, images, row, rows;
};

// Where results go: channel d, row y, column x at c[d * channel + y * row + x].
template <class T>
struct Target {
  T* c;
  int64_t channel, row;
};

template <class T>
class Correlator {
 public:
  explicit Correlator(const Correlation<T>& c)
      : c_(c), source_(c), kernels_(kernels<T>()), panels_(c.outs, kernels_.gemm.rows) {
    for (const Grid& grid : c.grids) {
      rows_ = std::max(rows_, grid.rows);
      cols_ = std::max(cols_, grid.cols);
    }
    choose_band();
    for (const Grid& grid : c.grids) add_part(grid);
    choose_images();
    if (scattered() || images_ > 1) c_size_ = c_.outs * images_ * band_ * cols_ + kScratchSlack;
    b_size_ = kMaxDepth<T> * kBlockCols + kScratchSlack;
    pack_weights();
  }

  void run() {
    const int64_t bands = ceil_div(rows_, band_), blocks = ceil_div(c_.batch, images_);
    int64_t macs = 0;
    for (const Part& part : parts_) macs += part.depth * part.grid->rows * part.grid->cols;
    macs *= c_.outs * images_;
    const int64_t units = c_.groups * blocks * bands;
    const int64_t worth = kThreadedMacs / 2 * bands / std::max<int64_t>(macs, 1);
    const Chunks chunks{units, std::max({int64_t{1}, worth, units / kMaxChunks})};
    std::atomic<bool> out_of_memory{false};
    parallel_for(chunks.count(), [&](int64_t chunk) {
      const int64_t copy_size = images_ * source_.image() + kScratchSlack;
      T* copy = thread_scratch<T>(copy_size + b_size_ + c_size_);
      if (!copy) {
        out_of_memory = true;
        return;
      }
      std::fill_n(copy, copy_size, T(0));
      for (int64_t i = chunks.begin(chunk); i < chunks.end(chunk); ++i) {
        const int64_t row = i % bands * band_, image = i / bands % blocks * images_;
        const Unit unit{i / bands / blocks, image, std::min(images_, c_.batch - image), row,
                        std::min(band_, rows_ - row)};
        run_unit(unit, copy, copy + copy_size);
      }
    });
    if (out_of_memory) throw MemoryError("[conv] no memory for the copy of an image");
  }

 private:
  void choose_band() {
    const int64_t row_bytes = source_.pitch() * c_.channels * static_cast<int64_t>(sizeof(T));
    const int64_t room = kCopyBytes / std::max<int64_t>(row_bytes, 1);
    band_ = std::clamp<int64_t>((room - source_.copied_rows(1)) / c_.step_y + 1, 1, rows_);
    if (const int64_t images = c_.batch * c_.groups; images < kMinUnits) {
      band_ = std::min(band_, ceil_div(rows_, ceil_div(kMinUnits, images)));
    }
    if (scattered()) {
      const int64_t bytes = c_.outs * cols_ * static_cast<int64_t>(sizeof(T));
      band_ = std::clamp<int64_t>(kCopyBytes / std::max<int64_t>(bytes, 1), 1, band_);
    }
    band_ = ceil_div(rows_, ceil_div(rows_, band_));
    source_.set_rows(band_);
  }

  // Results of a grid do not lie side by side: they are computed in a place of their own first.
  bool scattered() const { return c_.to_col != 1 || c_.to_row != cols_; }

  void add_part(const Grid& grid) {
    Part part{&grid, c_.channels * static_cast<int64_t>(grid.taps.size()), {}, weights_, false};
    part.at.reserve(static_cast<size_t>(part.depth));
    for (int64_t s = 0; s < c_.channels; ++s) {
      for (const Tap& tap : grid.taps) {
        part.at.push_back(static_cast<int32_t>(source_.at(s, tap)));
      }
    }
    // In vectors' worth of multiply-adds: packing a vector costs some 8, empty lanes the rest.
    const auto waste = [&](int64_t n) {
      return static_cast<double>(round_up(n, kernels_.width)) / static_cast<double>(n);
    };
    part.direct = grid.cols > 0 && waste(grid.cols) <= waste(grid.rows * grid.cols) +
                                                           8.0 / static_cast<double>(c_.outs);
    weights_ += c_.outs * part.depth;
    parts_.push_back(std::move(part));
  }

  // Small images are taken together, so that few vectors of pixels are left part empty.
  void choose_images() {
    const int64_t pixels = rows_ * cols_;
    const bool fills = pixels >= 128 || (pixels >= 48 && pixels * 5 >= round_up(pixels, 32) * 4);
    if (fills || band_ < rows_ || parts_.front().direct) return;
    const int64_t bytes = source_.image() * static_cast<int64_t>(sizeof(T));
    images_ = std::min({kBlockCols / pixels, kCopyBytes / std::max<int64_t>(bytes, 1),
                        c_.batch * c_.groups / kMinUnits});
    images_ = std::clamp<int64_t>(images_, 1, c_.batch);
  }

  // For every group and grid, block by block of K, panel by panel: packed[k * rows + i].
  void pack_weights() {
    packed_.reset(new T[static_cast<size_t>(std::max<int64_t>(c_.groups * weights_, 1))]);
    T* to = packed_.get();
    for (int64_t g = 0; g < c_.groups; ++g) {
      for (const Part& part : parts_) {
        const int64_t depth = block_depth<T>(part.depth);
        for (int64_t k = 0; k < part.depth; k += depth) {
          for (int64_t p = 0; p < panels_.count; ++p) {
            to = pack_panel(to, part, g, k, std::min(k + depth, part.depth), p);
          }
        }
      }
    }
  }

  T* pack_panel(T* to, const Part& part, int64_t group, int64_t begin, int64_t end,
                int64_t panel) const {
    const std::vector<Tap>& taps = part.grid->taps;
    const T* from = c_.weight + group * c_.w_group + panels_.start(panel) * c_.w_out;
    const int64_t rows = panels_.rows(panel), count = static_cast<int64_t>(taps.size());
    int64_t channel = begin / count, tap = begin % count;
    for (int64_t k = begin; k < end; ++k) {
      const T* at = from + channel * c_.w_in + taps[static_cast<size_t>(tap)].weight;
      for (int64_t i = 0; i < rows; ++i) *to++ = at[i * c_.w_out];
      if (++tap == count) {
        tap = 0;
        ++channel;
      }
    }
    return to;
  }

  void run_unit(const Unit& unit, T* copy, T* room) const {
    for (int64_t i = 0; i < unit.images; ++i) {
      source_.copy(unit.group, unit.image + i, unit.row, unit.rows, copy + i * source_.image());
    }
    for (const Part& part : parts_) {
      Unit own = unit;
      own.rows = std::min(unit.rows, part.grid->rows - unit.row);
      if (own.rows <= 0 || part.grid->cols == 0) continue;
      part.direct ? run_direct(part, own, copy, room)
                  : run_packed(part, own, copy, room, room + b_size_);
    }
  }

  // ------------------------------------------------------------------------ products

  const T* weights(const Part& part, const Unit& unit) const {
    return packed_.get() + unit.group * weights_ + part.weights;
  }

  T* destination(const Part& part, const Unit& unit, int64_t image) const {
    return c_.to + (unit.image + image) * c_.to_batch + unit.group * c_.outs * c_.to_channel +
           part.grid->first + unit.row * c_.to_row;
  }

  const T* bias(const Unit& unit) const {
    return c_.bias ? c_.bias + unit.group * c_.outs : nullptr;
  }

  void run_direct(const Part& part, const Unit& unit, const T* copy, T* room) const {
    for (int64_t i = 0; i < unit.images; ++i) {
      T* to = destination(part, unit, i);
      const bool in_place = c_.to_col == 1;
      const Target<T> target = in_place
                                   ? Target<T>{to, c_.to_channel, c_.to_row}
                                   : Target<T>{room, unit.rows * part.grid->cols, part.grid->cols};
      multiply_rows(part, unit, copy + i * source_.image(), target);
      if (!in_place) scatter(part, unit, room, target.channel, to);
    }
  }

  void multiply_rows(const Part& part, const Unit& unit, const T* copy,
                     const Target<T>& target) const {
    const int64_t width = kernels_.width, cols = part.grid->cols;
    IndexedPanel<T> p{};
    if (unit.rows == 1) {  // vectors along the row
      p.b_vec = p.c_vec = p.lanes = width;
      for (int64_t x = 0; x < cols; x += kTogether * width) {
        p.vecs = std::min(kTogether, ceil_div(cols - x, width));
        p.last = std::min(width, cols - x - (p.vecs - 1) * width);
        multiply_panels(p, part, unit, copy + x, target.c + x, target.channel);
      }
      return;
    }
    const int64_t row = source_.row();
    p.b_vec = row;
    p.c_vec = target.row;
    const int64_t together = panels_.count == 1 ? unit.rows : kTogether;
    for (int64_t y = 0; y < unit.rows; y += together) {
      p.vecs = std::min(together, unit.rows - y);
      for (int64_t x = 0; x < cols; x += width) {
        p.lanes = p.last = std::min(width, cols - x);
        multiply_panels(p, part, unit, copy + y * row + x, target.c + y * target.row + x,
                        target.channel);
      }
    }
  }

  void multiply_panels(IndexedPanel<T> p, const Part& part, const Unit& unit, const T* b, T* c,
                       int64_t channel) const {
    const T* a = weights(part, unit);
    const T* row_bias = bias(unit);
    const int64_t depth = block_depth<T>(part.depth);
    p.b = b;
    p.c_row = channel;
    for (int64_t k = 0; k == 0 || k < part.depth; k += depth) {
      p.k = std::min(depth, part.depth - k);
      p.b_at = part.at.data() + k;
      p.add = k > 0;
      for (int64_t i = 0; i < panels_.count; ++i) {
        p.m = p.a_k = panels_.rows(i);
        p.a = a + k * c_.outs + panels_.start(i) * p.k;
        p.c = c + panels_.start(i) * channel;
        p.bias = row_bias && k == 0 ? row_bias + panels_.start(i) : nullptr;
        kernels_.conv.indexed(p);
      }
    }
  }

  void run_packed(const Part& part, const Unit& unit, const T* copy, T* b, T* room) const {
    const int64_t cols = part.grid->cols, pixels = unit.rows * cols, total = unit.images * pixels;
    const bool in_place = unit.images == 1 && c_.to_col == 1 && c_.to_row == cols;
    T* to = destination(part, unit, 0);
    T* c = in_place ? to : room;
    const int64_t channel = in_place ? c_.to_channel : total;
    const T* start = bias(unit);
    for (int64_t d = 0; start && d < c_.outs; ++d) {
      std::fill_n(c + d * channel, total, start[d]);
    }
    const int64_t depth = block_depth<T>(part.depth);
    for (int64_t j = 0; j < total; j += kBlockCols) {
      const int64_t n = std::min(kBlockCols, total - j);
      for (int64_t k = 0; k == 0 || k < part.depth; k += depth) {
        const int64_t deep = std::min(depth, part.depth - k);
        pack_block(part, unit.rows, copy, b, j, n, k, deep);
        multiply_block(weights(part, unit) + k * c_.outs, b, n, deep, c + j, channel,
                       start || k > 0);
      }
    }
    for (int64_t i = 0; !in_place && i < unit.images; ++i) {
      scatter(part, unit, room + i * pixels, total, destination(part, unit, i));
    }
  }

  // Columns [j, j + n), rows [k, k + depth) of B in panels of kernels.cols columns.
  void pack_block(const Part& part, int64_t rows, const T* copy, T* b, int64_t j, int64_t n,
                  int64_t k, int64_t depth) const {
    constexpr int64_t kMaxSpans = 64;  // columns of a panel, at most
    const int64_t width = kernels_.gemm.cols, cols = part.grid->cols;
    int64_t x = j % cols, y = j / cols % rows, image = j / cols / rows;
    for (int64_t left = n; left > 0; left -= width, b += width * depth) {
      Span spans[kMaxSpans];
      int64_t count = 0;
      const int64_t wanted = std::min(width, left);
      for (int64_t at = 0; at < wanted;) {
        const int64_t run = std::min(cols - x, wanted - at);
        const int64_t from = image * source_.image() + y * source_.row() + x;
        spans[count++] = {static_cast<int32_t>(from), static_cast<int32_t>(at),
                          static_cast<int32_t>(run)};
        at += run;
        x += run;
        if (x < cols) continue;
        x = 0;
        if (++y < rows) continue;
        y = 0;
        ++image;
      }
      kernels_.conv.gather(b, width, depth, copy, part.at.data() + k, spans, count);
    }
  }

  void multiply_block(const T* a, const T* b, int64_t n, int64_t depth, T* c, int64_t channel,
                      bool add) const {
    const int64_t width = kernels_.gemm.cols;
    for (int64_t i = 0; i < panels_.count; ++i) {
      const int64_t rows = panels_.rows(i), start = panels_.start(i);
      kernels_.gemm.panel({.m = rows,
                           .n = n,
                           .k = depth,
                           .a = a + start * depth,
                           .a_row = 1,
                           .a_k = rows,
                           .b = b,
                           .b_k = width,
                           .b_panel = width * depth,
                           .c = c + start * channel,
                           .c_row = channel,
                           .add = add,
                           .bias = nullptr});
    }
  }

  // From a grid of its own to its places among the results.
  void scatter(const Part& part, const Unit& unit, const T* from, int64_t channel, T* to) const {
    for (int64_t d = 0; d < c_.outs; ++d) {
      for (int64_t y = 0; y < unit.rows; ++y) {
        put_row(from + d * channel + y * part.grid->cols, part.grid->cols,
                to + d * c_.to_channel + y * c_.to_row);
      }
    }
  }

  void put_row(const T* from, int64_t n, T* to) const {
    if (c_.to_col == 1) {
      std::copy_n(from, n, to);
    } else if (c_.to_col == 2) {
      kernels_.conv.put_second(to, from, n, T(0));
    } else {
      for (int64_t x = 0; x < n; ++x) to[x * c_.to_col] = from[x];
    }
  }

  const Correlation<T>& c_;
  ConvSource<T> source_;
  const Kernels<T>& kernels_;
  const Panels panels_;
  int64_t rows_ = 0, cols_ = 0;    // of the largest grid
  int64_t band_ = 1, images_ = 1;  // rows and images of a unit
  std::vector<Part> parts_;
  int64_t weights_ = 0;  // of a group
  int64_t b_size_ = 0, c_size_ = 0;
  std::unique_ptr<T[]> packed_;
};

}  // namespace

template <class T>
void correlate(const Correlation<T>& correlation) {
  Correlator<T>(correlation).run();
}

template void correlate<float>(const Correlation<float>&);
template void correlate<double>(const Correlation<double>&);

}  // namespace sf
