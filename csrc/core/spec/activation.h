// The parameters of activations; their arrays are checked as elementwise ones.
#pragma once

namespace striate::spec {

void leaky_relu(const char* function, double negative_slope);
void elu(const char* function, double alpha);

}  // namespace striate::spec
