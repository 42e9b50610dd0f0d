#include "proto/codec/round_bodies.h"

#include <algorithm>
#include <fmt/format.h>

namespace fedtrial {
namespace {

constexpr std::size_t kMaxReason = 1000;  // bytes
constexpr std::size_t kLinkBytes = 8 + 3 * 32 + 64;

void WriteIds(ByteWriter& writer, const std::vector<SiteId>& sites) {
  writer.U32(static_cast<std::uint32_t>(sites.size()));
  for (const SiteId site : sites) writer.U32(site.value);
}

// No more than what is there can be read, whatever the count says.
std::size_t CountOf(ByteReader& reader, std::size_t bytes_each) {
  return std::min<std::size_t>(reader.U32(), reader.left() / bytes_each + 1);
}

std::vector<SiteId> ReadIds(ByteReader& reader) {
  std::vector<SiteId> sites(CountOf(reader, 4));
  for (SiteId& site : sites) site.value = reader.U32();
  return sites;
}

void WriteLink(ByteWriter& writer, const ModelLink& link) { writer.Raw(link.SignedPart()).Raw(link.signature); }

ModelLink ReadLink(ByteReader& reader) {
  ModelLink link;
  link.round = reader.U64();
  link.model = reader.Array<32>();
  link.before = reader.Array<32>();
  link.included = reader.Array<32>();
  link.signature = reader.Array<64>();
  return link;
}

void WriteItems(ByteWriter& writer, const std::vector<UnmaskBody::Item>& items) {
  writer.U32(static_cast<std::uint32_t>(items.size()));
  for (const UnmaskBody::Item& item : items) writer.U32(item.owner.value).Raw(item.share);
}

std::vector<UnmaskBody::Item> ReadItems(ByteReader& reader) {
  std::vector<UnmaskBody::Item> items(CountOf(reader, 36));
  for (UnmaskBody::Item& item : items) {
    item.owner.value = reader.U32();
    item.share = reader.Array<32>();
  }
  return items;
}

}  // namespace

Bytes ModelLink::SignedPart() const { return ByteWriter().U64(round).Raw(model).Raw(before).Raw(included).Take(); }

Bytes RoundOpenBody::Encode() const {
  ByteWriter writer;
  writer.U64(round.round).U32(round.attempt).U32(step).U32(round_in_step).U8(evaluating);
  writer.Raw(manifest_hash).Raw(plan_hash).Raw(roster_hash).Raw(model);
  writer.U32(static_cast<std::uint32_t>(links.size()));
  for (const ModelLink& link : links) WriteLink(writer, link);
  return writer.Take();
}

Result<RoundOpenBody> RoundOpenBody::Decode(ByteView bytes) {
  ByteReader reader(bytes);
  RoundOpenBody body;
  body.round.round = reader.U64();
  body.round.attempt = reader.U32();
  body.step = reader.U32();
  body.round_in_step = reader.U32();
  body.evaluating = reader.U8();
  body.manifest_hash = reader.Array<32>();
  body.plan_hash = reader.Array<32>();
  body.roster_hash = reader.Array<32>();
  body.model = reader.Array<32>();
  body.links.resize(CountOf(reader, kLinkBytes));
  for (ModelLink& link : body.links) link = ReadLink(reader);
  RETURN_IF_ERROR(reader.Finish("round opening"));
  if (body.evaluating > 1) return Error{ErrorCode::kInvalidInput, "round opening: evaluating is neither 0 nor 1"};
  return body;
}

Bytes HelloBody::Encode() const {
  ByteWriter writer;
  writer.U8(declines ? 1 : 0).Enc(reason).Raw(r_commit).U32(static_cast<std::uint32_t>(blocks.size()));
  for (std::size_t first = 0; first < blocks.size(); first += 8) {
    std::uint8_t byte = 0;
    for (std::size_t i = first; i < std::min(first + 8, blocks.size()); ++i)
      if (blocks[i]) byte = static_cast<std::uint8_t>(byte | (1u << (i - first)));
    writer.U8(byte);
  }
  return writer.Raw(software).U32(protocol).Take();
}

Result<HelloBody> HelloBody::Decode(ByteView bytes) {
  ByteReader reader(bytes);
  HelloBody body;
  const std::uint8_t kind = reader.U8();
  body.reason = reader.EncText();
  body.r_commit = reader.Array<32>();
  const std::uint64_t count = reader.U32();
  const ByteView bits = reader.Raw(static_cast<std::size_t>((count + 7) / 8));
  body.software = reader.Array<32>();
  body.protocol = reader.U32();
  RETURN_IF_ERROR(reader.Finish("hello"));
  if (kind > 1) return Error{ErrorCode::kInvalidInput, fmt::format("hello: kind {}, wanted 0 or 1 (decline)", kind)};
  if (body.reason.size() > kMaxReason)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("hello: a reason of {} bytes, at most {}", body.reason.size(), kMaxReason)};
  body.declines = kind == 1;
  body.blocks.resize(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < body.blocks.size(); ++i) body.blocks[i] = (bits[i / 8] >> (i % 8) & 1) != 0;
  if (count % 8 != 0 && bits.back() >> (count % 8) != 0)
    return Error{ErrorCode::kInvalidInput, "hello: bits are set after the last block"};
  return body;
}

Bytes PhaseOpenBody::Encode() const {
  ByteWriter writer;
  WriteIds(writer, sites);
  writer.U32(static_cast<std::uint32_t>(envelopes.size()));
  for (const Bytes& envelope : envelopes) writer.Enc(envelope);
  return writer.Take();
}

Result<PhaseOpenBody> PhaseOpenBody::Decode(ByteView bytes) {
  ByteReader reader(bytes);
  PhaseOpenBody body;
  body.sites = ReadIds(reader);
  body.envelopes.resize(CountOf(reader, 4));
  for (Bytes& envelope : body.envelopes) envelope = ToBytes(reader.Enc());
  RETURN_IF_ERROR(reader.Finish("phase opening"));
  if (!std::is_sorted(body.sites.begin(), body.sites.end()) ||
      std::adjacent_find(body.sites.begin(), body.sites.end()) != body.sites.end())
    return Error{ErrorCode::kInvalidInput, "phase opening: the sites aren't in rising order"};
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
  RETURN_IF_ERROR(reader.Finish("keys"));
  return body;
}

Bytes MaskedBody::Encode() const {
  ByteWriter writer;
  writer.U64(length).Raw(digest);
  WriteIds(writer, failed);
  return writer.Take();
}

Result<MaskedBody> MaskedBody::Decode(ByteView bytes) {
  ByteReader reader(bytes);
  MaskedBody body;
  body.length = reader.U64();
  body.digest = reader.Array<32>();
  body.failed = ReadIds(reader);
  RETURN_IF_ERROR(reader.Finish("masked"));
  return body;
}

Bytes UnmaskBody::Encode() const {
  ByteWriter writer;
  WriteItems(writer, self_seeds);
  WriteItems(writer, mask_keys);
  return writer.Take();
}

Result<UnmaskBody> UnmaskBody::Decode(ByteView bytes) {
  ByteReader reader(bytes);
  UnmaskBody body;
  body.self_seeds = ReadItems(reader);
  body.mask_keys = ReadItems(reader);
  RETURN_IF_ERROR(reader.Finish("unmask"));
  return body;
}

Bytes CommitBody::Encode() const {
  ByteWriter writer;
  WriteLink(writer, link);
  WriteIds(writer, included);
  return writer.Take();
}

Result<CommitBody> CommitBody::Decode(ByteView bytes) {
  ByteReader reader(bytes);
  CommitBody body;
  body.link = ReadLink(reader);
  body.included = ReadIds(reader);
  RETURN_IF_ERROR(reader.Finish("commit"));
  return body;
}

}  // namespace fedtrial
