#pragma once

#include <optional>
#include <vector>

#include "proto/codec/round_bodies.h"
#include "proto/plan/layout.h"
#include "security/crypto/ed25519.h"

namespace fedtrial::site {

// The last committed round this site knows of.
struct ChainEnd {
  ModelLink link;
  std::uint64_t links = 0;  // how many rounds were committed up to it
  bool operator==(const ChainEnd&) const = default;
};

// One link after another: signed with "fl/model/v1" by the coordinator, its round later than the one before it, its
// `before` the model before it. Digest zero and round 0 stand for the start. kIntegrity otherwise.
Status CheckLink(const ModelLink& link, const VerifyKey& coordinator, std::uint64_t round_before,
                 const Digest& model_before);

// The whole chain as the coordinator tells it: what this site knows must be in it, unchanged; all after it must follow.
Status CheckChain(const std::vector<ModelLink>& links, const VerifyKey& coordinator,
                  const std::optional<ChainEnd>& known);

// Whether the plan can stand at `position` after so many committed rounds. A task may ask for another round of itself
// only where it is one that does (grid).
Status CheckPosition(const Plan& plan, const StepPosition& position, std::uint64_t committed);

}  // namespace fedtrial::site
