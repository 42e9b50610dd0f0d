#include "site_node/archive/status_text.h"

#include <fmt/format.h>
#include <string_view>

namespace fedtrial::site {
namespace {

std::string_view Meaning(std::uint16_t status) {
  switch (status) {
    case 0x0000:
      return "done";
    case 0x0110:
      return "its program failed";
    case 0x0122:
      return "it doesn't serve this kind of request";
    case 0x0124:
      return "it doesn't permit us this request: ask its administrator";
    case 0x0211:
      return "it doesn't know this request";
    case 0xa700:
    case 0xa701:
    case 0xa702:
      return "it is out of resources, or may not send its images as they are";
    case 0xa900:
      return "it says that the request doesn't fit its kind";
    case 0xb000:
      return "it couldn't send all images";
    case 0xfe00:
      return "it ended the request early";
    default:
      break;
  }
  if ((status & 0xf000) == 0xc000) return "it couldn't process the request: its log says why";
  if ((status & 0xff00) == 0xa700) return "it is out of resources";
  return "it failed";
}

}  // namespace

std::string StatusText(std::uint16_t status) { return fmt::format("{} (status {:04x})", Meaning(status), status); }

}  // namespace fedtrial::site
