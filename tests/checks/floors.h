#pragma once

#include <string_view>
#include <vector>

// The table of floors of the architecture, as data: which room may include which, and which package. Change it here
// alone.
namespace fedtrial::checks {

// A room is a folder; a file belongs to the room with the longest matching name. Rooms on the same floor are listed in
// `rooms` only where kSideways says so.
struct Room {
  std::string_view folder;
  int floor;
  std::vector<std::string_view> rooms;     // whose headers it may include, beside its own
  std::vector<std::string_view> packages;  // names of kPackages
};

// Something from outside: headers whose name begins with one of these. Plain C++ headers (<vector>) belong to none.
struct Package {
  std::string_view name;
  std::vector<std::string_view> headers;
};

struct Pair {
  std::string_view from;  // "*" for any room
  std::string_view to;
};

struct Floors {
  std::vector<Room> rooms;
  std::vector<Package> packages;
  std::vector<Pair> sideways;
  std::vector<Pair> never;  // trees that must not meet
};

const Floors& TheFloors();

}  // namespace fedtrial::checks
