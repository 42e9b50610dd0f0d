#pragma once

#include <ATen/core/Tensor.h>

namespace fedtrial {

// Negative log-likelihood of each patient (Cox 1972, Brown 1975: a Bernoulli trial per bin at risk):
//   sum over bins k of at_risk[i][k] * (log(1 + exp z) - event[i][k] * z), z = logits[r][i][k].
// logits [R, n, bins]; at_risk and event of the same shape, or broadcast to it. Gives [R, n].
at::Tensor HazardLosses(const at::Tensor& logits, const at::Tensor& at_risk, const at::Tensor& event);

}  // namespace fedtrial
