#include "model/samples/volume.h"

namespace fedtrial {

std::string_view ToString(MriSequence sequence) {
  switch (sequence) {
    case MriSequence::kT1:
      return "T1w";
    case MriSequence::kT1Contrast:
      return "ce-gd_T1w";
    case MriSequence::kT2:
      return "T2w";
    case MriSequence::kFlair:
      return "FLAIR";
  }
  return "unknown";
}

}  // namespace fedtrial
