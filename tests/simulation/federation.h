#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "coordinator/core/trial.h"
#include "model/params/contribution.h"
#include "model/params/fixed_point.h"
#include "model/params/model.h"
#include "model/samples/sample.h"
#include "proto/plan/layout.h"
#include "security/crypto/ed25519.h"
#include "security/pki/roster.h"
#include "site_node/core/participant.h"

// A whole federation in one process: the real cores of the coordinator and of every site, real words and masks, an
// in-process transport and a manual clock. The task registry is the caller's. One thread; everything is deterministic
// in the settings, the callbacks and the seed.
namespace fedtrial::simulation {

struct SimSite {
  SiteId id;
  CohortSummary cohort;
  // The site's answer to a task. Contribution::cohort may be left zero: it is then this cohort's.
  std::function<Result<Contribution>(const Task&, const Manifest&, const Model& before)> answer;
  bool approves = true;  // its operator approves the plan
};

// What the coordinator makes of a finished sum; `next` empty: the model stays.
struct StepOutcome {
  std::optional<Model> next;
  bool again = false;
  std::string result;  // JSON
};

struct SimCoordinator {
  std::function<Result<StepOutcome>(const Task&, const Sum&, const Model& before, const std::vector<SiteId>& included)>
      finish;
};

struct SimSettings {
  std::string plan;  // text of plan.toml; every site approves it, and all sites are in the roster
  std::vector<SimSite> sites;
  SimCoordinator coordinator;
  std::uint64_t seed = 1;  // of keys and masks
  unsigned threads = 1;    // for masks and sums
};

// One envelope on its way between the coordinator and a site.
struct Hop {
  bool to_coordinator = false;
  SiteId site;  // the other end
  const Envelope& envelope;
};

// Faults and taps; all may be empty.
struct SimHooks {
  // What arrives instead of an envelope: itself, others (a liar), or nothing (lost).
  std::function<std::vector<Envelope>(const Hop&)> deliver;
  std::function<Duration(const Hop&)> delay;
  // How long a site's task takes, and whether its upload arrives.
  std::function<Duration(SiteId, const Task&)> task_time;
  std::function<bool(SiteId, RoundId)> upload_arrives;
  // The actor (kCoordinatorId or a site) dies right after its record number `record` (from 0) is durable, or with
  // `before`, right before: the input is lost. It starts again after SimHooks::restart_after.
  std::function<bool(SiteId actor, std::uint64_t record, bool before)> crash;
  Duration restart_after{1000};
  // All that a core answers, before it is carried out.
  std::function<void(SiteId, const site::Effects&)> on_site_effects;
  std::function<void(const coordinator::Effects&)> on_coordinator_effects;
  // Every finished sum, without masks.
  std::function<void(const coordinator::FinishStep&, const Words& sum)> on_sum;
};

class Federation {
 public:
  // Makes keys, roster and approvals. kInvalidInput if the plan can't be read or has too few sites.
  static Result<std::unique_ptr<Federation>> Make(SimSettings settings, SimHooks hooks = {});
  ~Federation();

  // Runs until the trial is finished or closed, nothing is left to happen, `until` says so (asked after each event), or
  // the clock passes `limit`. kInternal if an actor reports an error of its own.
  Status Run(std::function<bool()> until = {}, Duration limit = std::chrono::hours(24 * 365));
  bool finished() const;

  Time now() const;
  void After(Duration delay, std::function<void()> run);

  // Faults by hand. A disconnected site neither hears nor is heard; a killed one forgets all but its journal and files.
  void Disconnect(SiteId site);
  void Connect(SiteId site);
  void Kill(SiteId actor);  // kCoordinatorId: the coordinator
  void Restart(SiteId actor);
  // An old backup: the actor dies and starts again from these records.
  void Restore(SiteId actor, std::vector<Bytes> journal);
  void Tell(SiteId site, const site::Input& input);       // as the operator or the shell would
  void TellCoordinator(const coordinator::Input& input);  // its error, if any, is in rejected()
  void PublishRoster(Roster roster);                      // signed; goes to the coordinator and all sites
  void Revoke(const std::set<SiteId>& sites);             // signed list; the same

  const coordinator::Trial& trial() const;
  const site::Participant& participant(SiteId site) const;
  const Plan& plan() const;
  const Roster& roster() const;
  const SigningKey& key(SiteId actor) const;  // kCoordinatorId: the coordinator's
  const SigningKey& consortium() const;
  // The model of this digest, or the latest; empty before the first.
  Result<Model> model(const Digest& digest) const;
  Model latest_model() const;
  const std::vector<Bytes>& journal(SiteId actor) const;

  // What a site put into the sum of a round: x_i with its withheld blocks as zeros.
  std::optional<Words> plain_words(SiteId site, std::uint64_t round) const;

  struct Traffic {
    std::uint64_t sent_bytes = 0;      // envelopes and uploads, without transport
    std::uint64_t upload_bytes = 0;    // of them, masked words
    std::uint64_t received_bytes = 0;  // envelopes and models
  };
  const Traffic& traffic(SiteId site) const;

  // Every input that a core refused, and what it said of others' faults.
  struct Rejection {
    SiteId actor;  // who refused
    Error error;
  };
  const std::vector<Rejection>& rejected() const;
  const std::vector<coordinator::Observe>& observed() const;  // by the coordinator
  const std::vector<std::pair<SiteId, site::Observe>>& observed_at_sites() const;
  const std::vector<coordinator::Audit>& audit() const;
  const std::vector<std::pair<SiteId, Envelope>>& sent_by_sites() const;  // every envelope, resends too

 private:
  Federation();
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace fedtrial::simulation
