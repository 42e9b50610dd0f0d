#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/params/model.h"
#include "proto/plan/plan.h"
#include "security/pki/revocation.h"
#include "security/pki/roster.h"
#include "site_node/core/chain.h"
#include "site_node/core/release_ledger.h"
#include "site_node/core/release_policy.h"

namespace fedtrial::site {

// The round whose contribution this site holds, over all attempts at it.
struct OpenRound {
  std::uint64_t round = 0;
  Digest manifest_hash{};       // the same in every attempt
  Digest roster_hash{};         // too
  Digest cohort{};              // of the summary that was declared
  std::optional<Digest> words;  // x_i, once the task is done
  std::uint32_t reveals = 0;    // attempts in which this site revealed its r
};

// What a site remembers between attempts: no secret of a finished one is in here.
struct Memory {
  Bytes plan_bytes;  // as approved; empty: none
  std::optional<Plan> plan;
  std::optional<Roster> roster;       // pinned; of the running round
  std::optional<Roster> next_roster;  // a later version, from the next round on
  std::optional<RevocationList> revocations;
  Hospital hospital;
  std::optional<RoundId> highest;  // the latest opened; never a lower one
  std::optional<OpenRound> open_round;
  std::optional<ChainEnd> chain;
  std::optional<std::pair<Digest, ModelHeader>> model;  // the latest that lies in models/
  ReleaseLedger ledger;
  std::uint64_t rounds_contributed = 0;
  std::uint64_t timer = 0;  // number of the latest
  std::string last_reason;

  Digest model_digest() const { return chain ? chain->link.model : Digest{}; }
  std::set<SiteId> revoked() const { return revocations ? revocations->sites : std::set<SiteId>{}; }

  Bytes Encode() const;
  static Result<Memory> Decode(ByteView bytes);
};

}  // namespace fedtrial::site
