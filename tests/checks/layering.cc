#include "tests/checks/layering.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <regex>
#include <string_view>

namespace fedtrial::checks {
namespace {

struct Include {
  std::size_t line;
  bool quoted;  // "…", else <…>
  std::string header;
};

std::vector<Include> IncludesOf(const std::string& text) {
  static const std::regex form(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::vector<Include> includes;
  std::size_t line = 0;
  for (std::size_t begin = 0; begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::smatch match;
    const std::string row = text.substr(begin, end - begin);
    if (std::regex_search(row, match, form)) includes.push_back({line + 1, match[1] == "\"", match[2]});
    begin = end + 1;
  }
  return includes;
}

const Room* RoomOf(std::string_view path, const Floors& floors) {
  const Room* found = nullptr;
  for (const Room& room : floors.rooms) {
    if (LiesIn(path, room.folder) && (found == nullptr || room.folder.size() > found->folder.size())) found = &room;
  }
  return found;
}

bool Holds(const std::vector<std::string_view>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// The packages that ship this header (gRPC's status header belongs to two). A name ending in / or .h is a beginning of
// the path; any other must be the whole name, or the beginning of one with an ending (itkImage.h).
std::vector<std::string_view> PackagesOf(std::string_view header, const Floors& floors) {
  std::vector<std::string_view> names;
  for (const Package& package : floors.packages) {
    for (const std::string_view known : package.headers) {
      if (header == known || (header.starts_with(known) && header.find_first_of("./") != std::string_view::npos)) {
        names.push_back(package.name);
        break;
      }
    }
  }
  return names;
}

std::optional<std::string> WhyNotRoom(const Room& room, const std::string& header, const Floors& floors) {
  const Room* wanted = RoomOf(header, floors);
  if (wanted == nullptr) return fmt::format("\"{}\" lies in no room of the table", header);
  if (wanted->folder == room.folder || Holds(room.rooms, wanted->folder)) return std::nullopt;
  return fmt::format("{} must not include {} (\"{}\")", room.folder, wanted->folder, header);
}

std::optional<std::string> WhyNotPackage(const Room& room, const std::string& header, const Floors& floors) {
  const std::vector<std::string_view> names = PackagesOf(header, floors);
  if (names.empty()) {
    const bool plain = header.find_first_of("./") == std::string::npos;
    if (plain) return std::nullopt;
    return fmt::format("<{}> belongs to no package of the table", header);
  }
  if (std::any_of(names.begin(), names.end(), [&](auto name) { return Holds(room.packages, name); }))
    return std::nullopt;
  return fmt::format("{} must not use {} (<{}>)", room.folder, names.front(), header);
}

bool IsSaid(const std::vector<Pair>& pairs, std::string_view from, std::string_view to) {
  return std::any_of(pairs.begin(), pairs.end(),
                     [&](const Pair& pair) { return (pair.from == "*" || pair.from == from) && pair.to == to; });
}

}  // namespace

std::vector<std::string> BrokenIncludes(const std::vector<SourceFile>& files, const Floors& floors) {
  std::vector<std::string> broken;
  for (const SourceFile& file : files) {
    if (!IsCpp(file)) continue;
    const Room* room = RoomOf(file.path, floors);
    if (room == nullptr) {
      broken.push_back(fmt::format("{}:1: lies in no room of the table", file.path));
      continue;
    }
    for (const Include& include : IncludesOf(file.text)) {
      const auto why =
          include.quoted ? WhyNotRoom(*room, include.header, floors) : WhyNotPackage(*room, include.header, floors);
      if (why) broken.push_back(fmt::format("{}:{}: {}", file.path, include.line, *why));
    }
  }
  return broken;
}

std::vector<std::string> BrokenRows(const Floors& floors) {
  std::vector<std::string> broken;
  for (const Room& room : floors.rooms) {
    for (const std::string_view name : room.rooms) {
      const auto wanted =
          std::find_if(floors.rooms.begin(), floors.rooms.end(), [&](const Room& r) { return r.folder == name; });
      if (wanted == floors.rooms.end())
        broken.push_back(fmt::format("{}: {} is no room", room.folder, name));
      else if (wanted->floor > room.floor ||
               (wanted->floor == room.floor && !IsSaid(floors.sideways, room.folder, name)))
        broken.push_back(
            fmt::format("{} (floor {}) lists {} (floor {})", room.folder, room.floor, name, wanted->floor));
      for (const Pair& pair : floors.never) {
        if (LiesIn(room.folder, pair.from) && LiesIn(name, pair.to))
          broken.push_back(fmt::format("{} lists {}: {} never includes {}", room.folder, name, pair.from, pair.to));
      }
    }
    for (const std::string_view name : room.packages) {
      if (std::none_of(floors.packages.begin(), floors.packages.end(),
                       [&](const Package& p) { return p.name == name; }))
        broken.push_back(fmt::format("{}: {} is no package", room.folder, name));
    }
  }
  return broken;
}

std::size_t CountIncluders(const std::vector<SourceFile>& files, std::string_view header) {
  return static_cast<std::size_t>(std::count_if(files.begin(), files.end(), [&](const SourceFile& file) {
    const std::vector<Include> includes = IncludesOf(file.text);
    return IsCpp(file) && std::any_of(includes.begin(), includes.end(),
                                      [&](const Include& include) { return include.header == header; });
  }));
}

}  // namespace fedtrial::checks
