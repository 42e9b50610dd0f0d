#include "coordinator/shell/ledger.h"

#include <fmt/format.h>

namespace fedtrial::coordinator {
namespace {

constexpr std::string_view kRounds = "ledger.rounds";
constexpr std::string_view kSites = "ledger.sites";

std::string KeyOf(RoundId round) { return fmt::format("{:020}-{:010}", round.round, round.attempt); }

Result<RoundId> RoundOf(const std::string& key) {
  RoundId round;
  if (std::sscanf(key.c_str(), "%20lu-%10u", &round.round, &round.attempt) != 2)
    return Error{ErrorCode::kIntegrity, "the ledger in trial.db can't be read"};
  return round;
}

Result<Ledger::Times> TimesOf(ByteView bytes) {
  ByteReader reader(bytes);
  Ledger::Times times;
  times.opened_ms = static_cast<std::int64_t>(reader.U64());
  times.ended_ms = static_cast<std::int64_t>(reader.U64());
  RETURN_IF_ERROR(reader.Finish("ledger of rounds"));
  return times;
}

Bytes BytesOf(const Ledger::Times& times) {
  return ByteWriter()
      .U64(static_cast<std::uint64_t>(times.opened_ms))
      .U64(static_cast<std::uint64_t>(times.ended_ms))
      .Take();
}

Result<Ledger::Traffic> TrafficOf(ByteView bytes) {
  ByteReader reader(bytes);
  Ledger::Traffic traffic;
  traffic.sent = reader.U64();
  traffic.plain_float32 = reader.U64();
  traffic.uploads = reader.U64();
  RETURN_IF_ERROR(reader.Finish("ledger of sites"));
  return traffic;
}

}  // namespace

Status Ledger::Opened(RoundId round, std::int64_t now_ms) {
  ASSIGN_OR_RETURN(const auto known, store_.Get(kRounds, KeyOf(round)));
  if (known) return {};
  return store_.Put(kRounds, KeyOf(round), BytesOf({now_ms, 0}));
}

Status Ledger::Ended(RoundId round, std::int64_t now_ms) {
  ASSIGN_OR_RETURN(const auto known, store_.Get(kRounds, KeyOf(round)));
  Times times{now_ms, 0};
  if (known) {
    ASSIGN_OR_RETURN(times, TimesOf(*known));
  }
  times.ended_ms = now_ms;
  return store_.Put(kRounds, KeyOf(round), BytesOf(times));
}

Result<std::map<RoundId, Ledger::Times>> Ledger::Rounds() const {
  ASSIGN_OR_RETURN(const auto entries, store_.List(kRounds));
  std::map<RoundId, Times> rounds;
  for (const StoreEntry& entry : entries) {
    ASSIGN_OR_RETURN(const RoundId round, RoundOf(entry.key));
    ASSIGN_OR_RETURN(rounds[round], TimesOf(entry.value));
  }
  return rounds;
}

Status Ledger::Add(SiteId site, const Traffic& more) {
  const std::string key = fmt::format("{:010}", site.value);
  ASSIGN_OR_RETURN(const auto known, store_.Get(kSites, key));
  Traffic sum;
  if (known) {
    ASSIGN_OR_RETURN(sum, TrafficOf(*known));
  }
  return store_.Put(kSites, key,
                    ByteWriter()
                        .U64(sum.sent + more.sent)
                        .U64(sum.plain_float32 + more.plain_float32)
                        .U64(sum.uploads + more.uploads)
                        .bytes());
}

Result<std::map<SiteId, Ledger::Traffic>> Ledger::Sites() const {
  ASSIGN_OR_RETURN(const auto entries, store_.List(kSites));
  std::map<SiteId, Traffic> sites;
  for (const StoreEntry& entry : entries) {
    ASSIGN_OR_RETURN(sites[SiteId{static_cast<std::uint32_t>(std::strtoul(entry.key.c_str(), nullptr, 10))}],
                     TrafficOf(entry.value));
  }
  return sites;
}

}  // namespace fedtrial::coordinator
