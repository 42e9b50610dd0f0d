#include "security/masking/context.h"

#include <algorithm>
#include <vector>

#include "security/crypto/sha256.h"

namespace fedtrial {
namespace {

Digest Commit(std::string_view label, const Digest& ctx, SiteId site, ByteView secret) {
  Sha256Stream stream;  // no copy of the secret in a writer
  stream.Update(ByteWriter().Label(label).Raw(ctx).U32(site.value).bytes());
  stream.Update(secret);
  return stream.Finish();
}

}  // namespace

Digest Context(const ContextInputs& inputs) {
  return Sha256(ByteWriter()
                    .Label("fl/ctx/v1")
                    .Enc(inputs.trial_id)
                    .U64(inputs.round.round)
                    .U32(inputs.round.attempt)
                    .Raw(inputs.roster_hash)
                    .Raw(inputs.manifest_hash)
                    .Raw(inputs.plan_hash)
                    .bytes());
}

Digest SetHash(std::string_view label, const Digest& ctx, std::span<const SiteId> ids) {
  std::vector<SiteId> sorted(ids.begin(), ids.end());
  std::sort(sorted.begin(), sorted.end());
  ByteWriter writer;
  writer.Label("fl/secagg/v1/").Label(label).Raw(ctx).U32(static_cast<std::uint32_t>(sorted.size()));
  for (const SiteId id : sorted) writer.U32(id.value);
  return Sha256(writer.bytes());
}

Digest SetHash(std::string_view label, const Digest& ctx, const std::set<SiteId>& ids) {
  return SetHash(label, ctx, std::vector<SiteId>(ids.begin(), ids.end()));
}

Digest RCommit(const Digest& ctx, SiteId site, ByteView r) { return Commit("fl/secagg/v1/r-commit", ctx, site, r); }
Digest BCommit(const Digest& ctx, SiteId site, ByteView b) { return Commit("fl/secagg/v1/b-commit", ctx, site, b); }

Digest KeysHash(const Digest& ctx, const std::map<SiteId, Bytes>& keys_bodies) {
  ByteWriter writer;
  writer.Label("fl/secagg/v1/keys").Raw(ctx);
  for (const auto& [id, body] : keys_bodies) writer.U32(id.value).Enc(body);
  return Sha256(writer.bytes());
}

Bytes AgreeBody::Encode() const { return ByteWriter().Raw(keys_hash).Raw(shared).Raw(included).Take(); }

Result<AgreeBody> AgreeBody::Decode(ByteView bytes) {
  ByteReader reader(bytes);
  AgreeBody body;
  body.keys_hash = reader.Array<32>();
  body.shared = reader.Array<32>();
  body.included = reader.Array<32>();
  RETURN_IF_ERROR(reader.Finish("Agree"));
  return body;
}

AgreeBody MakeAgreeBody(const Digest& ctx, const std::map<SiteId, Bytes>& keys_bodies, const std::set<SiteId>& shared,
                        const std::set<SiteId>& included) {
  return {KeysHash(ctx, keys_bodies), SetHash(kSharedSet, ctx, shared), SetHash(kIncludedSet, ctx, included)};
}

}  // namespace fedtrial
