#include "model/training/training_settings.h"

namespace fedtrial {

double DefaultWeight(HeadKind kind) {
  switch (kind) {
    case HeadKind::kMethylation:
      return 0.2;
    case HeadKind::kBinary:
      return 0.3;
    case HeadKind::kEmbedding:
      return 0.1;
    case HeadKind::kHazard:
    case HeadKind::kIllnessDeath:
      break;
  }
  return 1.0;
}

}  // namespace fedtrial
