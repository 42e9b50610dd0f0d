#pragma once

#include "common/base/bytes.h"
#include "security/crypto/openssl_fwd.h"

namespace fedtrial {

Digest Sha256(ByteView bytes);

// The same over bytes that come in pieces.
class Sha256Stream {
 public:
  Sha256Stream();
  void Update(ByteView bytes);
  Digest Finish();  // the stream starts anew afterwards

 private:
  EvpMdCtxPtr context_;
};

}  // namespace fedtrial
