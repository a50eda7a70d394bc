#include "tensor/gather.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/parallel.h"
#include "base/rounding.h"
#include "kernels/launch.h"
#include "tensor/create.h"

namespace sf {
namespace {

constexpr int64_t kChunkBytes = 32 * 1024;  // below this a second thread costs more than it gives
constexpr int64_t kLine = 64;               // bytes of a cache line
constexpr int64_t kBlock = 4 * kLine;       // copied between two turns of fetching ahead
constexpr int64_t kAhead = 2048;            // bytes: at least a row

// One tensor's share of the work.
struct Job {
  const char* from;
  char* to;
  int64_t row_bytes;
  int64_t stride_bytes;  // from one row of the data set to the next
};

Shape row_shape(const Tensor& t) {
  Shape shape = t.shape();
  shape.erase(0);
  return shape;
}

Strides row_strides(const Tensor& t) {
  Strides strides = t.strides();
  strides.erase(0);
  return strides;
}

int64_t check_tensors(std::span<const Tensor> tensors) {
  if (tensors.empty()) throw ValueError("[gather_rows] needs at least one tensor");
  for (const Tensor& t : tensors) {
    if (t.ndim() == 0) throw ShapeError("[gather_rows] a 0-d tensor has no rows");
    if (t.size(0) != tensors[0].size(0)) {
      throw ShapeError("[gather_rows] ", tensors[0].shape(), " and ", t.shape(), ": lengths ",
                       tensors[0].size(0), " and ", t.size(0), " differ");
    }
  }
  return tensors[0].size(0);
}

void check_rows(const Tensor& rows, int64_t length) {
  const int64_t* index = rows.as<int64_t>();
  for (int64_t i = 0; i < rows.numel(); ++i) {
    if (index[i] < 0 || index[i] >= length) {
      throw IndexError("[gather_rows] rows[", i, "] is ", index[i], ", out of range for ", length,
                       " rows: use 0 to ", length - 1);
    }
  }
}

Tensor output_of(const Tensor& t, int64_t batch) {
  Shape shape = t.shape();
  shape[0] = batch;
  return empty(shape, t.dtype());
}

template <int64_t kBytes>
void copy_small(const Job& job, const int64_t* index, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    std::memcpy(job.to + i * kBytes, job.from + index[i] * job.stride_bytes, kBytes);
  }
}

// A row may lie anywhere, and the hardware fetches ahead only once it has seen some lines of it. So
// a later row is asked for while this one is copied.
void copy_long(const Job& job, const int64_t* index, int64_t begin, int64_t end) {
  const int64_t bytes = job.row_bytes, ahead = std::max<int64_t>(1, kAhead / bytes);
  for (int64_t i = begin; i < end; ++i) {
    const char* from = job.from + index[i] * job.stride_bytes;
    const char* later = job.from + index[std::min(i + ahead, end - 1)] * job.stride_bytes;
    char* to = job.to + i * bytes;
    int64_t at = 0;
    for (; at + kBlock <= bytes; at += kBlock) {
      for (int64_t line = 0; line < kBlock; line += kLine) __builtin_prefetch(later + at + line);
      std::memcpy(to + at, from + at, kBlock);
    }
    for (int64_t line = at; line < bytes; line += kLine) __builtin_prefetch(later + line);
    std::memcpy(to + at, from + at, static_cast<size_t>(bytes - at));
  }
}

void copy_rows(const Job& job, const int64_t* index, int64_t begin, int64_t end) {
  if (job.row_bytes == 4) return copy_small<4>(job, index, begin, end);  // labels
  if (job.row_bytes == 8) return copy_small<8>(job, index, begin, end);
  if (job.row_bytes == 16) return copy_small<16>(job, index, begin, end);
  copy_long(job, index, begin, end);
}

// A chunk holds some rows of the batch, of all tensors; all chunks but the last are equal.
void run_jobs(const std::vector<Job>& jobs, const Tensor& index) {
  int64_t row_bytes = 0;
  for (const Job& job : jobs) row_bytes += job.row_bytes;
  const int64_t rows = index.numel(), parts = std::max<int64_t>(1, rows * row_bytes / kChunkBytes);
  const Chunks chunks{rows, std::max<int64_t>(1, ceil_div(rows, parts))};
  parallel_for(chunks.count(), [&](int64_t chunk) {
    for (const Job& job : jobs) {
      copy_rows(job, index.as<int64_t>(), chunks.begin(chunk), chunks.end(chunk));
    }
  });
}

void copy_strided(const Tensor& from, const Tensor& to, const int64_t* index) {
  for (int64_t i = 0; i < to.size(0); ++i) {
    const int64_t offset = from.offset() + index[i] * from.strides()[0];
    const Tensor row = as_view(from, row_shape(from), row_strides(from), offset);
    copy_into(as_view(to, row_shape(to), row_strides(to), i * to.strides()[0]), row);
  }
}

}  // namespace

std::vector<Tensor> gather_rows(std::span<const Tensor> tensors, const Tensor& rows) {
  const int64_t length = check_tensors(tensors);
  if (rows.dtype() != Dtype::kInt64 || rows.ndim() != 1) {
    throw DtypeError("[gather_rows] rows must be int64 of shape (B,), got ", rows.dtype(), " ",
                     rows.shape());
  }
  const Tensor index = contiguous_copy(rows);
  check_rows(index, length);
  const int64_t batch = index.numel();
  std::vector<Tensor> outputs;
  std::vector<Job> jobs;
  for (const Tensor& t : tensors) {
    outputs.push_back(output_of(t, batch));
    const Tensor& out = outputs.back();
    if (out.numel() == 0) continue;
    if (!is_contiguous(row_shape(t), row_strides(t))) {
      copy_strided(t, out, index.as<int64_t>());
      continue;
    }
    jobs.push_back({static_cast<const char*>(t.data()), static_cast<char*>(out.data()),
                    row_shape(t).numel() * size_of(t.dtype()),
                    t.strides()[0] * size_of(t.dtype())});
  }
  launch("gather_rows", [jobs = std::move(jobs), index] { run_jobs(jobs, index); });
  return outputs;
}

}  // namespace sf
