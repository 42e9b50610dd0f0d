#include "coordinator/tasks/network_start.h"

#include "security/crypto/seeded_random.h"
#include "security/crypto/sha256.h"

namespace fedtrial::coordinator {

Result<std::map<std::string, Tensor>> NetworkStartValues(const Plan& plan, const NetworkShape& shape) {
  SeededRandom random(Sha256(ByteWriter().Label("fl/start/v1").U64(plan.seed).bytes()));
  return StartTensors(shape, plan.precision, random);
}

}  // namespace fedtrial::coordinator
