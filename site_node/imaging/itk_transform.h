#pragma once

#include <itkMatrixOffsetTransformBase.h>

#include "site_node/imaging/geometry.h"

// The room's own: a Transform as ITK keeps it, and back.
namespace fedtrial::imaging {

using ItkLinear = itk::MatrixOffsetTransformBase<double, 3, 3>;

inline void SetTransform(const Transform& map, ItkLinear& out) {
  ItkLinear::MatrixType matrix;
  ItkLinear::OutputVectorType offset;
  for (unsigned r = 0; r < 3; ++r) {
    for (unsigned c = 0; c < 3; ++c) matrix[r][c] = map.linear[r][c];
    offset[r] = map.offset[r];
  }
  out.SetMatrix(matrix);
  out.SetOffset(offset);  // the centre stays, the translation follows
}

inline Transform TransformOf(const ItkLinear& map) {
  Transform out;
  for (unsigned r = 0; r < 3; ++r) {
    for (unsigned c = 0; c < 3; ++c) out.linear[r][c] = map.GetMatrix()[r][c];
    out.offset[r] = map.GetOffset()[r];
  }
  return out;
}

}  // namespace fedtrial::imaging
