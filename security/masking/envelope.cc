#include "security/masking/envelope.h"

#include <utility>

#include "security/crypto/sha256.h"

namespace fedtrial {
namespace {

// What is signed, after the label.
Bytes SignedPart(const Envelope& envelope) {
  return ByteWriter()
      .Raw(envelope.ctx)
      .U8(envelope.phase)
      .U32(envelope.sender.value)
      .U32(envelope.receiver.value)
      .U64(envelope.sequence)
      .Raw(Sha256(envelope.body))
      .Take();
}

}  // namespace

Envelope SignEnvelope(const SigningKey& key, const Digest& ctx, std::uint8_t phase, SiteId sender, SiteId receiver,
                      std::uint64_t sequence, Bytes body) {
  Envelope envelope{ctx, phase, sender, receiver, sequence, std::move(body), {}};
  envelope.signature = SignLabelled(key, kMessageLabel, SignedPart(envelope));
  return envelope;
}

bool VerifyEnvelope(const Envelope& envelope, const VerifyKey& key) {
  return VerifyLabelled(key, kMessageLabel, SignedPart(envelope), envelope.signature);
}

Bytes EncodeEnvelope(const Envelope& envelope) {
  return ByteWriter()
      .Raw(envelope.ctx)
      .U8(envelope.phase)
      .U32(envelope.sender.value)
      .U32(envelope.receiver.value)
      .U64(envelope.sequence)
      .Enc(envelope.body)
      .Raw(envelope.signature)
      .Take();
}

Result<Envelope> DecodeEnvelope(ByteView bytes) {
  ByteReader reader(bytes);
  Envelope envelope;
  envelope.ctx = reader.Array<32>();
  envelope.phase = reader.U8();
  envelope.sender.value = reader.U32();
  envelope.receiver.value = reader.U32();
  envelope.sequence = reader.U64();
  envelope.body = ToBytes(reader.Enc());
  envelope.signature = reader.Array<64>();
  RETURN_IF_ERROR(reader.Finish("envelope"));
  return envelope;
}

}  // namespace fedtrial
