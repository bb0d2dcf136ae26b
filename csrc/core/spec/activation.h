// The parameters of activations; their arrays are checked as elementwise ones.
#pragma once

#include <string>

namespace striate::spec {

void leaky_relu(const char* function, double negative_slope);
void elu(const char* function, double alpha);
void softplus(const char* function, double beta, double threshold);
// Whether the approximation by tanh is wanted.
bool gelu(const char* function, const std::string& approximate);

}  // namespace striate::spec
