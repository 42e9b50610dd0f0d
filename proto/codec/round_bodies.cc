#include "proto/codec/round_bodies.h"

#include <fmt/format.h>
#include <string_view>

namespace fedtrial {
namespace {

constexpr std::size_t kLinkBytes = 8 + 3 * 32 + 64;

Error Invalid(std::string_view what, std::string_view why) {
  return Error{ErrorCode::kInvalidInput, fmt::format("{}: {}", what, why)};
}

// A count is believed only if so many items of `item_bytes` at least are there.
Result<std::uint32_t> ReadCount(ByteReader& reader, std::size_t item_bytes, std::string_view what) {
  const std::uint32_t count = reader.U32();
  if (count > reader.left() / item_bytes) return Invalid(what, "holds fewer items than it says");
  return count;
}

void WriteSites(ByteWriter& writer, const std::vector<SiteId>& sites) {
  writer.U32(static_cast<std::uint32_t>(sites.size()));
  for (const SiteId site : sites) writer.U32(site.value);
}

Result<std::vector<SiteId>> ReadSites(ByteReader& reader, std::string_view what) {
  ASSIGN_OR_RETURN(const std::uint32_t count, ReadCount(reader, 4, what));
  std::vector<SiteId> sites;
  sites.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const SiteId site{reader.U32()};
    if (!sites.empty() && site <= sites.back()) return Invalid(what, "its sites aren't in rising order");
    sites.push_back(site);
  }
  return sites;
}

Result<bool> ReadFlag(ByteReader& reader, std::string_view what) {
  const std::uint8_t flag = reader.U8();
  if (flag > 1) return Invalid(what, "a flag isn't 0 or 1");
  return flag == 1;
}

void WriteItems(ByteWriter& writer, const std::vector<UnmaskBody::Item>& items) {
  writer.U32(static_cast<std::uint32_t>(items.size()));
  for (const UnmaskBody::Item& item : items) writer.U32(item.owner.value).Raw(item.share);
}

Result<std::vector<UnmaskBody::Item>> ReadItems(ByteReader& reader, std::string_view what) {
  ASSIGN_OR_RETURN(const std::uint32_t count, ReadCount(reader, 4 + 32, what));
  std::vector<UnmaskBody::Item> items(count);
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].owner = SiteId{reader.U32()};
    items[i].share = reader.Array<32>();
    if (i > 0 && items[i].owner <= items[i - 1].owner) return Invalid(what, "its owners aren't in rising order");
  }
  return items;
}

}  // namespace

Bytes ModelLink::SignedPart() const { return ByteWriter().U64(round).Raw(model).Raw(before).Raw(included).Take(); }

void ModelLink::Write(ByteWriter& writer) const { writer.Raw(SignedPart()).Raw(signature); }

ModelLink ModelLink::Read(ByteReader& reader) {
  ModelLink link;
  link.round = reader.U64();
  link.model = reader.Array<32>();
  link.before = reader.Array<32>();
  link.included = reader.Array<32>();
  link.signature = reader.Array<64>();
  return link;
}

Bytes RoundOpenBody::Encode() const {
  ByteWriter writer;
  writer.U64(round.round).U32(round.attempt).U32(step).U32(round_in_step).U8(evaluating);
  writer.Raw(manifest_hash).Raw(plan_hash).Raw(roster_hash).Raw(model);
  writer.U32(static_cast<std::uint32_t>(links.size()));
  for (const ModelLink& link : links) link.Write(writer);
  return writer.Take();
}

Result<RoundOpenBody> RoundOpenBody::Decode(ByteView bytes) {
  constexpr std::string_view kWhat = "the opening of a round";
  ByteReader reader(bytes);
  RoundOpenBody body;
  body.round.round = reader.U64();
  body.round.attempt = reader.U32();
  body.step = reader.U32();
  body.round_in_step = reader.U32();
  ASSIGN_OR_RETURN(const bool evaluating, ReadFlag(reader, kWhat));
  body.evaluating = evaluating ? 1 : 0;
  body.manifest_hash = reader.Array<32>();
  body.plan_hash = reader.Array<32>();
  body.roster_hash = reader.Array<32>();
  body.model = reader.Array<32>();
  ASSIGN_OR_RETURN(const std::uint32_t count, ReadCount(reader, kLinkBytes, kWhat));
  body.links.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) body.links.push_back(ModelLink::Read(reader));
  RETURN_IF_ERROR(reader.Finish(kWhat));
  return body;
}

Bytes HelloBody::Encode() const {
  ByteWriter writer;
  writer.U8(declines ? 1 : 0).Enc(reason).Raw(r_commit).U32(static_cast<std::uint32_t>(blocks.size()));
  for (const bool filled : blocks) writer.U8(filled ? 1 : 0);
  return writer.Raw(software).U32(protocol).Take();
}

Result<HelloBody> HelloBody::Decode(ByteView bytes) {
  constexpr std::string_view kWhat = "a site's hello";
  ByteReader reader(bytes);
  HelloBody body;
  ASSIGN_OR_RETURN(body.declines, ReadFlag(reader, kWhat));
  body.reason = reader.EncText();
  body.r_commit = reader.Array<32>();
  ASSIGN_OR_RETURN(const std::uint32_t count, ReadCount(reader, 1, kWhat));
  body.blocks.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const bool filled, ReadFlag(reader, kWhat));
    body.blocks.push_back(filled);
  }
  body.software = reader.Array<32>();
  body.protocol = reader.U32();
  RETURN_IF_ERROR(reader.Finish(kWhat));
  return body;
}

Bytes PhaseOpenBody::Encode() const {
  ByteWriter writer;
  WriteSites(writer, sites);
  writer.U32(static_cast<std::uint32_t>(envelopes.size()));
  for (const Bytes& envelope : envelopes) writer.Enc(envelope);
  return writer.Take();
}

Result<PhaseOpenBody> PhaseOpenBody::Decode(ByteView bytes) {
  constexpr std::string_view kWhat = "the opening of a phase";
  ByteReader reader(bytes);
  PhaseOpenBody body;
  ASSIGN_OR_RETURN(body.sites, ReadSites(reader, kWhat));
  ASSIGN_OR_RETURN(const std::uint32_t count, ReadCount(reader, 4, kWhat));
  body.envelopes.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) body.envelopes.push_back(ToBytes(reader.Enc()));
  RETURN_IF_ERROR(reader.Finish(kWhat));
  return body;
}

Bytes KeysBody::Encode() const { return ByteWriter().Raw(channel_key).Raw(mask_key).Raw(r).Raw(b_commit).Take(); }

Result<KeysBody> KeysBody::Decode(ByteView bytes) {
  ByteReader reader(bytes);
  KeysBody body;
  body.channel_key = reader.Array<32>();
  body.mask_key = reader.Array<32>();
  body.r = reader.Array<32>();
  body.b_commit = reader.Array<32>();
  RETURN_IF_ERROR(reader.Finish("a site's keys"));
  return body;
}

Bytes MaskedBody::Encode() const {
  ByteWriter writer;
  writer.U64(length).Raw(digest);
  WriteSites(writer, failed);
  return writer.Take();
}

Result<MaskedBody> MaskedBody::Decode(ByteView bytes) {
  constexpr std::string_view kWhat = "the end of a masked upload";
  ByteReader reader(bytes);
  MaskedBody body;
  body.length = reader.U64();
  body.digest = reader.Array<32>();
  ASSIGN_OR_RETURN(body.failed, ReadSites(reader, kWhat));
  RETURN_IF_ERROR(reader.Finish(kWhat));
  return body;
}

Bytes UnmaskBody::Encode() const {
  ByteWriter writer;
  WriteItems(writer, self_seeds);
  WriteItems(writer, mask_keys);
  return writer.Take();
}

Result<UnmaskBody> UnmaskBody::Decode(ByteView bytes) {
  constexpr std::string_view kWhat = "shares for unmasking";
  ByteReader reader(bytes);
  UnmaskBody body;
  ASSIGN_OR_RETURN(body.self_seeds, ReadItems(reader, kWhat));
  ASSIGN_OR_RETURN(body.mask_keys, ReadItems(reader, kWhat));
  RETURN_IF_ERROR(reader.Finish(kWhat));
  return body;
}

Bytes CommitBody::Encode() const {
  ByteWriter writer;
  link.Write(writer);
  WriteSites(writer, included);
  return writer.Take();
}

Result<CommitBody> CommitBody::Decode(ByteView bytes) {
  constexpr std::string_view kWhat = "the end of a round";
  ByteReader reader(bytes);
  CommitBody body;
  body.link = ModelLink::Read(reader);
  ASSIGN_OR_RETURN(body.included, ReadSites(reader, kWhat));
  RETURN_IF_ERROR(reader.Finish(kWhat));
  return body;
}

}  // namespace fedtrial
