#include "site_node/imaging/itk_guard.h"

#include <gdcmTrace.h>
#include <itkMultiThreaderBase.h>
#include <itkObject.h>

namespace fedtrial::imaging {

void SetUpItk() {
  static const bool done = [] {
    itk::MultiThreaderBase::SetGlobalMaximumNumberOfThreads(1);
    itk::MultiThreaderBase::SetGlobalDefaultNumberOfThreads(1);
    itk::Object::GlobalWarningDisplayOff();
    gdcm::Trace::WarningOff();
    gdcm::Trace::ErrorOff();
    gdcm::Trace::DebugOff();
    return true;
  }();
  static_cast<void>(done);
}

std::string ItkMessage(std::string_view what) {
  // "/path/file.hxx:123:\nITK ERROR: Class(0x55...): sentence"
  if (const std::size_t line = what.find(":\n"); line != std::string_view::npos) what.remove_prefix(line + 2);
  if (const std::size_t object = what.find("): "); object != std::string_view::npos) what.remove_prefix(object + 3);
  what = what.substr(0, what.find('\n'));
  return std::string(what);
}

}  // namespace fedtrial::imaging
