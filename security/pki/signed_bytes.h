#pragma once

#include "common/base/bytes.h"
#include "security/pki/revocation.h"
#include "security/pki/roster.h"

namespace fedtrial {

// How a signed roster or revocation list travels and is stored: the encoded list, then its 64-byte signature. Nothing
// is verified here: OpenRoster and OpenRevocationList do.
Bytes Pack(const SignedRoster& roster);
Bytes Pack(const SignedRevocationList& list);
Result<SignedRoster> UnpackRoster(ByteView bytes);
Result<SignedRevocationList> UnpackRevocationList(ByteView bytes);

}  // namespace fedtrial
