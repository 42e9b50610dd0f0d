#include <fmt/format.h>
#include <utility>

#include "security/crypto/sha256.h"
#include "tests/simulation/hosts.h"

namespace fedtrial::simulation {
namespace {

SigningKey Copy(const SigningKey& key) { return SigningKey::FromSeed(key.seed()).value(); }

}  // namespace

Digest DigestOf(const Words& words) { return Sha256(WordBytes(words)); }

void AddWords(Words& sum, const Words& words) {
  std::visit(
      [&](auto& to) {
        const auto& from = std::get<std::decay_t<decltype(to)>>(words);
        for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
      },
      sum);
}

void ApplyMasks(Words& words, std::span<const MaskTerm> masks, unsigned threads) {
  std::visit([&](auto& values) { AddMasks(std::span(values), 0, masks, threads); }, words);
}

SiteHost::SiteHost(Wires& wires, SimSite site, std::string trial, const SigningKey& key, const VerifyKey& consortium,
                   std::uint64_t seed)
    : wires_(wires),
      site_(std::move(site)),
      trial_(std::move(trial)),
      key_(key),
      consortium_(consortium),
      random_(seed) {}

void SiteHost::Start() {
  ++life_;
  participant_.emplace(site::SiteIdentity{site_.id, trial_, Copy(key_), consortium_, {}}, random_);
  for (const Bytes& record : disk_.journal) {
    if (const Status replayed = participant_->Replay(record); !replayed.ok()) return wires_.Broken(replayed);
  }
  CarryOut(participant_->Resume(wires_.events().now()));
}

void SiteHost::Kill() {
  participant_.reset();
  ++life_;
}

void SiteHost::Handle(const site::Input& input) {
  if (!alive()) return;
  auto effects = participant_->Handle(input, wires_.events().now());
  if (!effects.ok()) return wires_.Rejected(site_.id, effects.error());
  CarryOut(std::move(effects).value());
}

void SiteHost::CarryOut(site::Effects effects) {
  if (wires_.hooks().on_site_effects) wires_.hooks().on_site_effects(site_.id, effects);
  const std::uint64_t life = life_;
  for (site::Effect& effect : effects) {
    if (life != life_) return;  // died on the way
    CarryOut(effect);
  }
}

bool SiteHost::Write(bool compact, Bytes record) {
  const auto crash = [&](bool before) {
    if (!wires_.hooks().crash || !wires_.hooks().crash(site_.id, disk_.records, before)) return false;
    Kill();
    wires_.Crashed(site_.id);
    return true;
  };
  if (crash(true)) return false;
  if (compact) disk_.journal.clear();
  disk_.journal.push_back(std::move(record));
  const bool died = crash(false);
  ++disk_.records;
  return !died;
}

void SiteHost::CarryOut(site::Effect& effect) {
  if (auto* journal = std::get_if<site::Journal>(&effect)) {
    Write(false, std::move(journal->record));
  } else if (auto* compact = std::get_if<site::CompactJournal>(&effect)) {
    Write(true, std::move(compact->record));
  } else if (const auto* send = std::get_if<site::Send>(&effect)) {
    wires_.FromSite(site_.id, send->envelope);
  } else if (const auto* timer = std::get_if<site::SetTimer>(&effect)) {
    wires_.events().After(timer->after, [this, life = life_, number = timer->timer] {
      if (life == life_) Handle(site::DeadlinePassed{number});
    });
  } else if (const auto* fetch = std::get_if<site::FetchModel>(&effect)) {
    wires_.FetchFor(site_.id, fetch->digest);
  } else if (const auto* run = std::get_if<site::RunTask>(&effect)) {
    const Duration time = wires_.hooks().task_time ? wires_.hooks().task_time(site_.id, run->task) : Duration::zero();
    wires_.events().After(time, [this, life = life_, task = *run] {
      if (life == life_) RunTask(task);
    });
  } else if (auto* mask = std::get_if<site::MaskContribution>(&effect)) {
    Mask(*mask);
  } else if (const auto* upload = std::get_if<site::Upload>(&effect)) {
    wires_.events().After(Duration::zero(), [this, life = life_, round = upload->round] {
      if (life == life_) wires_.UploadFrom(site_.id, round);
    });
  } else if (const auto* drop = std::get_if<site::DropUpload>(&effect)) {
    answered_.erase(drop->round.round);
  } else if (const auto* observe = std::get_if<site::Observe>(&effect)) {
    observed.push_back(*observe);
  }
}

void SiteHost::RunTask(const site::RunTask& task) {
  const auto before = disk_.models.find(task.before);
  auto answer = site_.answer(task.task, task.manifest, before == disk_.models.end() ? Model{} : before->second);
  const auto finish = [&]() -> Result<site::TaskFinished> {
    if (!answer.ok()) return answer.error();
    if (answer->cohort == Digest{}) answer->cohort = site_.cohort.digest;
    ASSIGN_OR_RETURN(const Encoded encoded, EncodeContribution(task.manifest, *answer, {}));
    site::TaskFinished finished{task.round, DigestOf(encoded.words), answer->cohort, encoded.clipped};
    answered_[task.round.round] = {std::move(answer).value(), finished.words_digest};
    return finished;
  };
  const auto finished = finish();
  if (finished.ok())
    Handle(*finished);
  else
    Handle(site::TaskFailed{task.round, finished.error().message});
}

void SiteHost::Mask(site::MaskContribution& mask) {
  const auto answered = answered_.find(mask.round.round);
  if (answered == answered_.end() || answered->second.digest != mask.words_digest)
    return wires_.Broken(Error{ErrorCode::kInternal, fmt::format("{} lost its contribution", ToString(site_.id))});
  auto encoded = EncodeContribution(mask.manifest, answered->second.contribution, mask.withheld);
  if (!encoded.ok()) return wires_.Broken(encoded.error());
  Sent sent{encoded->words, std::move(encoded->words), mask.round};
  ApplyMasks(sent.masked, mask.masks, wires_.threads());
  const site::MaskedReady ready{mask.round, DigestOf(sent.masked), WordBytes(sent.masked).size()};
  sent_[mask.round.round] = std::move(sent);
  wires_.events().After(Duration::zero(), [this, life = life_, ready] {
    if (life == life_) Handle(ready);
  });
}

const Words* SiteHost::Masked(RoundId round) const {
  const auto found = sent_.find(round.round);
  return found == sent_.end() || found->second.id != round ? nullptr : &found->second.masked;
}

std::optional<Words> SiteHost::Plain(std::uint64_t round) const {
  const auto found = sent_.find(round);
  if (found == sent_.end()) return std::nullopt;
  return found->second.plain;
}

}  // namespace fedtrial::simulation
