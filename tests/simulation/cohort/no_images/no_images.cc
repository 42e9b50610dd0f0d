#include "tests/simulation/cohort/image_writer.h"

namespace fedtrial::sim {

Result<std::unique_ptr<ImageWriter>> OpenImageWriter() {
  return Error{ErrorCode::kInvalidInput, "this program was built without ITK: no images, take --volume 0"};
}

}  // namespace fedtrial::sim
