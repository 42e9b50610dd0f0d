#pragma once

#include <ATen/core/Tensor.h>
#include <vector>

namespace fedtrial {

// B patients as the network takes them: scaled, padded, without NaN. Of the network's type on its device; index tensors
// are int64. What stands at a padded place changes no result.
struct NetworkBatch {
  struct Statics {
    at::Tensor values;   // [B, F], 0 where missing
    at::Tensor mask;     // [B, F], 1 where measured
    at::Tensor present;  // [B, 1], 1 if anything is measured; otherwise the token of the missing block stands there
  };
  struct Panel {
    at::Tensor values;    // [B, V, A, 3]: value, change since the patient's first, 1 if below detection
    at::Tensor measured;  // [B, V, A]
    at::Tensor weeks;     // [B, V], from the first fraction of radiotherapy
  };
  struct Images {
    at::Tensor embeddings;  // [N, width], of Network::EncodeVolumes
    at::Tensor place;       // [N]: b * V + v
    at::Tensor sequence;    // [B, V], 0..3
    at::Tensor weeks;       // [B, V]
  };

  std::vector<Statics> statics;  // as NetworkShape::statics
  std::vector<Panel> panels;     // as NetworkShape::panels
  Images images;                 // undefined without an image block
  at::Tensor landmark_weeks;     // [B, heads]: what each head takes for the time of its prediction
  // What a head's linear skips read, by head: [B, F], block by block of those it sees (LinearInputs), 0 where there is
  // nothing.
  std::vector<at::Tensor> linear;

  // The tokens: one a static block, then of each panel its V visits and a token that stands for "none", then of the
  // images V volumes and one for "none". T in all, H heads.
  at::Tensor valid;    // [B, T] bool: a token of this patient
  at::Tensor visible;  // [B, T, H]: 1 where the head may see the token; those not valid don't matter
};

}  // namespace fedtrial
