#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "model/params/manifest.h"
#include "proto/plan/layout.h"
#include "proto/plan/plan.h"
#include "security/crypto/ed25519.h"
#include "security/masking/quorum.h"
#include "security/pki/roster.h"

namespace fedtrial::coordinator {

// What is fixed when an attempt opens. Only a row's `revoked` may change afterwards.
struct RoundTerms {
  RoundId id;
  Task task;
  Manifest manifest;
  std::vector<std::string> blocks;  // of the manifest
  Digest manifest_hash{};
  Digest ctx{};
  Digest model{};  // the round starts from; zeros before the first
  Roster roster;
  Quorum quorum;
  std::size_t needed = 3;                // of U0 to U3: the largest of threshold, min_sites and 3
  std::set<SiteId> invited;              // every site row
  std::map<SiteId, std::string> barred;  // of them, left out with the reason
  const Plan* plan = nullptr;            // the trial's
  const SigningKey* key = nullptr;       // the coordinator's
  std::uint64_t timer_base = 0;

  std::uint64_t UploadBytes() const { return manifest.Words() * manifest.encoding.word_bits / 8; }
};

}  // namespace fedtrial::coordinator
