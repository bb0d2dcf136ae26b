// Running a planned product.
#pragma once

#include "core/context.h"
#include "cuda/gemm/product.h"

namespace striate::cuda {

// The masks, the outputs of fused ReLUs whose gradients apply to A and B, and the bias may be null.
template <class T>
struct ProductPointers {
  const T* a;
  const T* a_mask;
  const T* b;
  const T* b_mask;
  const T* bias;
  bool relu;
  T* c;
};

template <class T>
void run_product(const Product& product, const GemmPlan& plan, const ProductPointers<T>& pointers,
                 const Context& context);

// Stores what a product over no terms gives: zeros, with bias and ReLU.
template <class T>
void run_empty_product(const Product& product, const T* bias, bool relu, T* c,
                       const Context& context);

// Writes the A that with_packed_a reads.
template <class T>
void pack_a(const Product& product, const T* a, T* packed, const Context& context);

}  // namespace striate::cuda
