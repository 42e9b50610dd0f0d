#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace fedtrial::sim {

// Progress of long work on stderr: one line that is written over on a terminal; elsewhere a line every ten seconds.
class Progress {
 public:
  Progress();
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Say(const std::string& line);
  std::function<void(std::uint64_t, std::uint64_t, const std::string&)> OfRounds();
  std::function<void(std::size_t done, std::size_t of)> Of(std::string what);

 private:
  bool terminal_;
  bool open_ = false;      // a line that the next one is written over
  std::int64_t said_ = 0;  // milliseconds of a steady clock
};

}  // namespace fedtrial::sim
