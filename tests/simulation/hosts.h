#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "security/crypto/seeded_random.h"
#include "security/pki/approval.h"
#include "tests/simulation/event_queue.h"
#include "tests/simulation/federation.h"

// What stands in for the two shells: carries out the effects of a core in memory.
namespace fedtrial::simulation {

// What outlives a kill.
struct Disk {
  std::vector<Bytes> journal;
  std::uint64_t records = 0;  // ever written
  std::size_t compacted = 0;  // coordinator: records before this one are final
  std::map<Digest, Model> models;
  std::map<Digest, std::uint64_t> model_bytes;
};

class SiteHost;

// What the hosts need of the federation around them.
class Wires {
 public:
  virtual ~Wires() = default;
  virtual EventQueue& events() = 0;
  virtual SimHooks& hooks() = 0;
  virtual const Plan& plan() = 0;
  virtual unsigned threads() = 0;
  virtual void FromSite(SiteId site, const Envelope& envelope) = 0;
  virtual void FromCoordinator(SiteId site, const Envelope& envelope) = 0;  // kBroadcastId: all
  virtual void UploadFrom(SiteId site, RoundId round) = 0;
  virtual void FetchFor(SiteId site, const Digest& digest) = 0;
  virtual void Rejected(SiteId actor, Error error) = 0;
  virtual void Broken(Status status) = 0;  // a host's own fault: ends Run
  virtual void Crashed(SiteId actor) = 0;
};

class SiteHost {
 public:
  SiteHost(Wires& wires, SimSite site, std::string trial, const SigningKey& key, const VerifyKey& consortium,
           std::uint64_t seed);

  void Start();  // a new process: replays, resumes
  void Kill();
  bool alive() const { return participant_.has_value(); }
  void Handle(const site::Input& input);

  const SimSite& site() const { return site_; }
  const site::Participant& participant() const { return *participant_; }
  Disk& disk() { return disk_; }
  const Disk& disk() const { return disk_; }
  std::uint64_t life() const { return life_; }

  const Words* Masked(RoundId round) const;
  std::optional<Words> Plain(std::uint64_t round) const;

  bool connected = true;
  Federation::Traffic traffic;
  std::vector<site::Observe> observed;

 private:
  struct Answered {
    Contribution contribution;
    Digest digest{};
  };
  struct Sent {
    Words plain, masked;
    RoundId id;
  };

  void CarryOut(site::Effects effects);
  bool Write(bool compact, Bytes record);  // false: died
  void CarryOut(site::Effect& effect);
  void RunTask(const site::RunTask& task);
  void Mask(site::MaskContribution& mask);

  Wires& wires_;
  SimSite site_;
  std::string trial_;
  const SigningKey& key_;
  VerifyKey consortium_;
  SeededRandom random_;
  std::optional<site::Participant> participant_;
  std::uint64_t life_ = 0;
  Disk disk_;
  std::map<std::uint64_t, Answered> answered_;  // x_i by round
  std::map<std::uint64_t, Sent> sent_;          // by round, of the latest attempt
};

class CoordinatorHost {
 public:
  CoordinatorHost(Wires& wires, SimCoordinator tasks, const SigningKey& key, const VerifyKey& consortium);

  void Start();
  void Kill();
  bool alive() const { return trial_.has_value(); }
  void Handle(const coordinator::Input& input);
  void Store(SiteId site, RoundId round, const Words& words);

  const coordinator::Trial& trial() const { return *trial_; }
  Disk& disk() { return disk_; }
  const Disk& disk() const { return disk_; }

  std::vector<coordinator::Observe> observed;
  std::vector<coordinator::Audit> audit;

 private:
  void CarryOut(coordinator::Effects effects);
  bool Write(bool compact, Bytes record);
  void CarryOut(coordinator::Effect& effect);
  void Add(const coordinator::AddToSum& add);
  void Finish(coordinator::FinishStep& step);
  Result<coordinator::StepFinished> Finished(const coordinator::FinishStep& step, const Words& sum);

  Wires& wires_;
  SimCoordinator tasks_;
  const SigningKey& key_;
  VerifyKey consortium_;
  std::optional<coordinator::Trial> trial_;
  std::uint64_t life_ = 0;
  Disk disk_;
  std::map<std::pair<RoundId, SiteId>, Words> spool_;
  std::optional<Words> sum_;  // of the open spool
};

Digest DigestOf(const Words& words);
void AddWords(Words& sum, const Words& words);
void ApplyMasks(Words& words, std::span<const MaskTerm> masks, unsigned threads);

}  // namespace fedtrial::simulation
