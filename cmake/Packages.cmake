# Every package comes from Debian; another LibTorch (a CUDA one, say) through CMAKE_PREFIX_PATH.
find_package(Threads REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)  # after Protobuf: both share one protobuf target
find_package(OpenSSL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(tomlplusplus CONFIG REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(httplib REQUIRED IMPORTED_TARGET cpp-httplib)

# The network part of DCMTK: what its own package file finds is all of it, and programs that Debian packs apart.
add_library(dicom_network INTERFACE IMPORTED)
foreach(part dcmnet dcmdata oflog ofstd)
  find_library(DCMTK_${part} ${part} REQUIRED)
  target_link_libraries(dicom_network INTERFACE ${DCMTK_${part}})
endforeach()

if(FEDTRIAL_TORCH)
  find_package(Torch REQUIRED)
endif()

if(FEDTRIAL_ITK)
  set(CMAKE_MESSAGE_LOG_LEVEL WARNING)  # GDCM prints pages on its programs, which Debian packs apart
  find_package(GDCM 3.0 REQUIRED)
  find_package(ITK 5.2 REQUIRED COMPONENTS ITKCommon ITKImageGrid ITKBiasCorrection ITKRegistrationMethodsv4
               ITKMetricsv4 ITKOptimizersv4 ITKThresholding ITKSmoothing ITKDistanceMap ITKDisplacementField
               ITKImageIntensity ITKPDEDeformableRegistration)
  unset(CMAKE_MESSAGE_LOG_LEVEL)
  find_package(PNG REQUIRED)
  find_package(ZLIB REQUIRED)
endif()

if(FEDTRIAL_TESTS)
  find_package(GTest CONFIG REQUIRED)
  find_package(benchmark CONFIG REQUIRED)
  find_library(RAPIDCHECK_LIBRARY rapidcheck REQUIRED)
endif()
