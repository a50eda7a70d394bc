// A tensor: a strided view of a storage. This room knows no gradients; it keeps a slot for them.
#pragma once
#include <memory>

#include "base/array.h"
#include "tensor/storage.h"

namespace sf {

// What the autograd room hangs on a tensor.
struct TensorExtension : SmallObject {
  virtual ~TensorExtension() = default;
};

struct TensorImpl final : RefCounted {
  TensorImpl(Ref<Storage> of, Dtype type, const Shape& sizes, const Strides& steps, int64_t first)
      : storage(std::move(of)),
        shape(sizes),
        strides(steps),
        offset(first),
        dtype(type),
        recorded_changes_seen(storage->recorded_changes()) {}

  Ref<Storage> storage;
  Shape shape;
  Strides strides;  // in elements
  int64_t offset;   // in elements
  Dtype dtype;
  uint32_t recorded_changes_seen;  // storage->recorded_changes() that the history includes
  std::unique_ptr<TensorExtension> autograd;
  void* wrapper = nullptr;  // the object of another language that stands for this tensor, if any

 protected:
  ~TensorImpl() override;
};

// A handle: copies share the tensor. A default-made handle is "undefined" and holds nothing.
class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(Ref<TensorImpl> impl) : impl_(std::move(impl)) {}
  // A view of `storage`.
  Tensor(Ref<Storage> storage, Dtype dtype, const Shape& shape, const Strides& strides,
         int64_t offset)
      : impl_(make_ref<TensorImpl>(std::move(storage), dtype, shape, strides, offset)) {}

  bool defined() const { return static_cast<bool>(impl_); }
  const Shape& shape() const { return impl_->shape; }
  const Strides& strides() const { return impl_->strides; }
  int64_t offset() const { return impl_->offset; }
  int ndim() const { return impl_->shape.ndim(); }
  int64_t size(int dim) const { return impl_->shape[dim]; }
  int64_t numel() const { return impl_->shape.numel(); }
  Dtype dtype() const { return impl_->dtype; }
  bool is_contiguous() const { return sf::is_contiguous(impl_->shape, impl_->strides); }
  const Ref<Storage>& storage() const { return impl_->storage; }
  TensorImpl* impl() const { return impl_.get(); }

  void* data() const {
    return static_cast<char*>(impl_->storage->data()) + impl_->offset * size_of(impl_->dtype);
  }
  template <class T>
  T* as() const {
    return static_cast<T*>(data());
  }
  Array array() const { return {data(), impl_->shape, impl_->strides, impl_->dtype}; }
  // The same memory read as the larger `target`.
  Array broadcast(const Shape& target) const {
    return {data(), target, broadcast_strides(impl_->shape, impl_->strides, target), impl_->dtype};
  }

  bool same(const Tensor& other) const { return impl_ == other.impl_; }

 private:
  Ref<TensorImpl> impl_;
};

// A fresh handle on the same memory, without gradient history.
Tensor alias(const Tensor& t);
// The same storage under another geometry; the caller vouches for the bounds.
Tensor as_view(const Tensor& t, const Shape& shape, const Strides& strides, int64_t offset);

// Throws unless the memory may be written: read-only arrays and views with repeated elements may
// not. `op` names the in-place op in the message.
void check_writable(const char* op, const Tensor& t);

}  // namespace sf
