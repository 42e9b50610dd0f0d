#include "site_node/core/release_ledger.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <utility>

#include "model/params/header_bytes.h"
#include "security/crypto/sha256.h"

namespace fedtrial::site {
namespace {

constexpr std::size_t kMinDifference = 3;  // sites: the difference of two sums is then a sum over three or more

std::size_t Difference(const ReleaseLedger::Sites& a, const ReleaseLedger::Sites& b) {
  std::vector<SiteId> differing;
  std::set_symmetric_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(differing));
  return differing.size();
}

void WriteSites(ByteWriter& writer, const ReleaseLedger::Sites& sites) {
  writer.U32(static_cast<std::uint32_t>(sites.size()));
  for (const SiteId site : sites) writer.U32(site.value);
}

ReleaseLedger::Sites ReadSites(ByteReader& reader) {
  ReleaseLedger::Sites sites;
  for (std::uint32_t count = ReadCount(reader); count > 0; --count) sites.insert(SiteId{reader.U32()});
  return sites;
}

}  // namespace

Status ReleaseLedger::MayJoin(const StepPosition& position, std::uint64_t round, std::uint32_t spare) const {
  if (latest_ && latest_->first == round) return {};
  const auto here = releases_.find({position.step, position.round_in_step, position.evaluating});
  if (here == releases_.end()) return {};
  std::uint32_t lost = 0;
  for (const auto& [at, count] : releases_) {
    if (std::get<0>(at) == position.step) lost += count - 1;
  }
  if (lost < spare) return {};
  return Error{ErrorCode::kNotApproved, fmt::format("step {} has had {} rounds released and lost, this site grants {}",
                                                    position.step, lost + 1, spare)};
}

Status ReleaseLedger::MayInclude(std::uint64_t round, const Digest& contribution, const Sites& included) const {
  if (latest_ && latest_->first == round) {
    if (latest_->second == included) return {};
    return Error{ErrorCode::kNotApproved,
                 fmt::format("round {} was released for another set of sites; only the same one is signed", round)};
  }
  const auto before = by_contribution_.find(contribution);
  if (before == by_contribution_.end()) return {};
  for (const Sites& released : before->second) {
    const std::size_t differing = Difference(released, included);
    if (differing == 0 || differing >= kMinDifference) continue;
    return Error{ErrorCode::kNotApproved,
                 fmt::format("the same contribution was released in a set that differs in {} sites, wanted none or at "
                             "least {}",
                             differing, kMinDifference)};
  }
  return {};
}

void ReleaseLedger::Release(std::uint64_t round, const StepPosition& position, const Digest& contribution,
                            const Sites& included) {
  if (latest_ && latest_->first == round) return;
  latest_.emplace(round, included);
  ++releases_[{position.step, position.round_in_step, position.evaluating}];
  by_contribution_[contribution].push_back(included);
}

void ReleaseLedger::Write(ByteWriter& writer) const {
  writer.U32(static_cast<std::uint32_t>(releases_.size()));
  for (const auto& [at, count] : releases_)
    writer.U32(std::get<0>(at)).U32(std::get<1>(at)).U8(std::get<2>(at) ? 1 : 0).U32(count);
  writer.U32(static_cast<std::uint32_t>(by_contribution_.size()));
  for (const auto& [key, sets] : by_contribution_) {
    writer.Raw(key).U32(static_cast<std::uint32_t>(sets.size()));
    for (const Sites& sites : sets) WriteSites(writer, sites);
  }
  writer.U8(latest_ ? 1 : 0);
  if (latest_) WriteSites(writer.U64(latest_->first), latest_->second);
}

ReleaseLedger ReleaseLedger::Read(ByteReader& reader) {
  ReleaseLedger ledger;
  for (std::uint32_t count = ReadCount(reader); count > 0; --count) {
    const std::uint32_t step = reader.U32();
    const std::uint32_t round = reader.U32();
    const bool evaluating = reader.U8() != 0;
    ledger.releases_[{step, round, evaluating}] = reader.U32();
  }
  for (std::uint32_t count = ReadCount(reader); count > 0; --count) {
    auto& sets = ledger.by_contribution_[reader.Array<32>()];
    for (std::uint32_t left = ReadCount(reader); left > 0; --left) sets.push_back(ReadSites(reader));
  }
  if (reader.U8() != 0) {
    const std::uint64_t round = reader.U64();
    ledger.latest_.emplace(round, ReadSites(reader));
  }
  return ledger;
}

Digest ContributionKey(Manifest manifest, const Digest& cohort) {
  manifest.step = 0;
  manifest.seed = 0;
  return Sha256(ByteWriter().Raw(Sha256(AsBytes(manifest.CanonicalJson()))).Raw(cohort).bytes());
}

}  // namespace fedtrial::site
