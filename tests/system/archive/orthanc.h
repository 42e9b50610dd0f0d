#pragma once

#include <filesystem>
#include <string>

#include "tests/system/process.h"

namespace fedtrial::system_test {

// A hospital's archive: a real Orthanc of its own on loopback, with its files in a folder of the test. It is called
// PACS, and lets FEDTRIAL ask and retrieve, nobody else, and nobody store.
class Orthanc {
 public:
  static bool Installed();

  explicit Orthanc(const std::filesystem::path& folder);  // starts it
  void Start();                                           // again, on the same ports and files
  void Stop() { process_.Kill(); }
  const Process& process() const { return process_; }
  int port() const { return dicom_port_; }

  void Upload(const std::filesystem::path& below) const;  // every file there

  // [archive] of a site.toml.
  std::string Section() const;

 private:
  std::filesystem::path folder_;
  int http_port_ = 0, dicom_port_ = 0;
  Process process_;
};

}  // namespace fedtrial::system_test
