#pragma once

#include "model/samples/volume.h"

namespace fedtrial::sim {

// What a scanner's header says of a sequence; typical of 3-D acquisitions.
struct Protocol {
  const char* description;
  const char* scanning_sequence;                // DICOM (0018,0020)
  double echo_ms, repetition_ms, inversion_ms;  // inversion 0: none
  bool contrast;
};

constexpr Protocol ProtocolOf(MriSequence sequence) {
  switch (sequence) {
    case MriSequence::kT1:
      return {"t1_mprage_sag", "GR", 3.0, 2000.0, 900.0, false};
    case MriSequence::kT1Contrast:
      return {"t1_mprage_sag_gd", "GR", 3.0, 2000.0, 900.0, true};
    case MriSequence::kT2:
      return {"t2_space", "SE", 100.0, 4000.0, 0.0, false};
    case MriSequence::kFlair:
      return {"t2_space_flair", "IR", 120.0, 6000.0, 2100.0, false};
  }
  return {};
}

}  // namespace fedtrial::sim
