#include <fmt/format.h>
#include <utility>

#include "security/crypto/sha256.h"
#include "tests/simulation/hosts.h"

namespace fedtrial::simulation {

CoordinatorHost::CoordinatorHost(Wires& wires, SimCoordinator tasks, const SigningKey& key, const VerifyKey& consortium)
    : wires_(wires), tasks_(std::move(tasks)), key_(key), consortium_(consortium) {}

void CoordinatorHost::Start() {
  ++life_;
  trial_.emplace(coordinator::TrialIdentity{wires_.plan(), consortium_, SigningKey::FromSeed(key_.seed()).value()});
  for (const Bytes& record : disk_.journal) {
    if (const Status replayed = trial_->Replay(record); !replayed.ok()) return wires_.Broken(replayed);
  }
  CarryOut(trial_->Resume(wires_.events().now()));
}

void CoordinatorHost::Kill() {
  trial_.reset();
  sum_.reset();
  ++life_;
}

void CoordinatorHost::Handle(const coordinator::Input& input) {
  if (!alive()) return;
  auto effects = trial_->Handle(input, wires_.events().now());
  if (!effects.ok()) return wires_.Rejected(kCoordinatorId, effects.error());
  CarryOut(std::move(effects).value());
}

void CoordinatorHost::CarryOut(coordinator::Effects effects) {
  if (wires_.hooks().on_coordinator_effects) wires_.hooks().on_coordinator_effects(effects);
  const std::uint64_t life = life_;
  for (coordinator::Effect& effect : effects) {
    if (life != life_) return;
    CarryOut(effect);
  }
}

bool CoordinatorHost::Write(bool compact, Bytes record) {
  const auto crash = [&](bool before) {
    if (!wires_.hooks().crash || !wires_.hooks().crash(kCoordinatorId, disk_.records, before)) return false;
    Kill();
    wires_.Crashed(kCoordinatorId);
    return true;
  };
  if (crash(true)) return false;
  if (compact) disk_.journal.resize(disk_.compacted);
  disk_.journal.push_back(std::move(record));
  if (compact) disk_.compacted = disk_.journal.size();
  const bool died = crash(false);
  ++disk_.records;
  return !died;
}

void CoordinatorHost::CarryOut(coordinator::Effect& effect) {
  if (auto* journal = std::get_if<coordinator::Journal>(&effect)) {
    Write(false, std::move(journal->record));
  } else if (auto* compact = std::get_if<coordinator::CompactJournal>(&effect)) {
    Write(true, std::move(compact->record));
  } else if (const auto* send = std::get_if<coordinator::Send>(&effect)) {
    wires_.FromCoordinator(send->site, send->envelope);
  } else if (const auto* timer = std::get_if<coordinator::SetTimer>(&effect)) {
    wires_.events().After(timer->after, [this, life = life_, number = timer->timer] {
      if (life == life_) Handle(coordinator::DeadlinePassed{number});
    });
  } else if (const auto* open = std::get_if<coordinator::OpenSpool>(&effect)) {
    sum_ = ZeroWords(open->manifest.encoding.word_bits, open->manifest.Words());
  } else if (const auto* add = std::get_if<coordinator::AddToSum>(&effect)) {
    Add(*add);
  } else if (auto* step = std::get_if<coordinator::FinishStep>(&effect)) {
    Finish(*step);
  } else if (const auto* close = std::get_if<coordinator::CloseSpool>(&effect)) {
    std::erase_if(spool_, [&](const auto& entry) { return entry.first.first == close->round; });
    sum_.reset();
  } else if (auto* observe = std::get_if<coordinator::Observe>(&effect)) {
    observed.push_back(std::move(*observe));
  } else if (auto* line = std::get_if<coordinator::Audit>(&effect)) {
    audit.push_back(std::move(*line));
  }
}

void CoordinatorHost::Store(SiteId site, RoundId round, const Words& words) {
  if (!alive()) return;
  if (const auto wanted = trial_->WantsUpload(site, round); !wanted.ok())
    return wires_.Rejected(kCoordinatorId, wanted.error());
  spool_[{round, site}] = words;
  Handle(coordinator::UploadStored{site, round, DigestOf(words), SizeInWords(words)});
}

void CoordinatorHost::Add(const coordinator::AddToSum& add) {
  const auto stored = spool_.find({add.round, add.site});
  if (!sum_ || stored == spool_.end() || DigestOf(stored->second) != add.digest)
    return wires_.Broken(
        Error{ErrorCode::kInternal, fmt::format("no upload of {} lies in the spool", ToString(add.site))});
  AddWords(*sum_, stored->second);
}

void CoordinatorHost::Finish(coordinator::FinishStep& step) {
  Words sum = *sum_;
  ApplyMasks(sum, step.masks, wires_.threads());
  if (wires_.hooks().on_sum) wires_.hooks().on_sum(step, sum);
  auto finished = Finished(step, sum);
  wires_.events().After(Duration::zero(), [this, life = life_, round = step.round, finished = std::move(finished)] {
    if (life != life_) return;
    if (finished.ok())
      Handle(*finished);
    else
      Handle(coordinator::StepFailed{round, finished.error().message});
  });
}

Result<coordinator::StepFinished> CoordinatorHost::Finished(const coordinator::FinishStep& step, const Words& sum) {
  const Plan& plan = wires_.plan();
  ASSIGN_OR_RETURN(const Sum read, Sum::Over(step.manifest, sum, step.included.size(),
                                             std::max<std::uint64_t>(1, plan.encoding.patient_cap)));
  const Model before = step.before == Digest{} ? Model{} : disk_.models.at(step.before);
  ASSIGN_OR_RETURN(StepOutcome outcome, tasks_.finish(step.task, read, before, step.included));
  coordinator::StepFinished finished;
  finished.round = step.round;
  finished.again = outcome.again;
  finished.result = std::move(outcome.result);
  finished.model = step.before;
  const Model& model = outcome.next ? *outcome.next : before;
  finished.header = model.Header();
  if (outcome.next) {
    ASSIGN_OR_RETURN(const Bytes encoded, EncodeModel(model));
    finished.model = Sha256(encoded);
    disk_.models[finished.model] = model;
    disk_.model_bytes[finished.model] = encoded.size();
  }
  return finished;
}

}  // namespace fedtrial::simulation
