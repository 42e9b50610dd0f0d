#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tests/checks/floors.h"
#include "tests/checks/source_tree.h"

namespace fedtrial::checks {

// One sentence, beginning with path:line, for each #include that the table does not allow. Files must lie in rooms of
// the table.
std::vector<std::string> BrokenIncludes(const std::vector<SourceFile>& files, const Floors& floors);

// One sentence for each row of the table that contradicts the floors: a room that is listed upwards, sideways without
// being said so, or across two trees that never meet.
std::vector<std::string> BrokenRows(const Floors& floors);

// How many of the files include this header.
std::size_t CountIncluders(const std::vector<SourceFile>& files, std::string_view header);

}  // namespace fedtrial::checks
