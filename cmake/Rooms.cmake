include(GNUInstallDirs)

# Flags of our own code only; packages come in as SYSTEM.
add_library(fedtrial_flags INTERFACE)
target_compile_options(fedtrial_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Werror)
target_include_directories(fedtrial_flags INTERFACE ${CMAKE_SOURCE_DIR})
if(FEDTRIAL_SANITIZE)
  string(REPLACE ";" "," fedtrial_sanitizers "${FEDTRIAL_SANITIZE}")
  # GCC 12 sees uninitialised values in its own <functional> and <regex> once they are instrumented.
  target_compile_options(fedtrial_flags INTERFACE -fsanitize=${fedtrial_sanitizers} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all -Wno-maybe-uninitialized)
  target_link_options(fedtrial_flags INTERFACE -fsanitize=${fedtrial_sanitizers})
endif()

# fedtrial_room(NAME [LINKS target...] [PRIVATE_LINKS target...])
# The library of the room in this folder: all its .cc files but main.cc. Headers are included by their path from the top
# of the repository. LINKS are what its headers need, PRIVATE_LINKS what only its .cc files need.
function(fedtrial_room NAME)
  cmake_parse_arguments(ROOM "" "" "LINKS;PRIVATE_LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cc)
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  if(sources)
    add_library(${NAME} STATIC ${sources})
    target_link_libraries(${NAME} PUBLIC fedtrial_flags ${ROOM_LINKS} PRIVATE ${ROOM_PRIVATE_LINKS})
  else()
    add_library(${NAME} INTERFACE)
    target_link_libraries(${NAME} INTERFACE fedtrial_flags ${ROOM_LINKS} ${ROOM_PRIVATE_LINKS})
  endif()
endfunction()

# fedtrial_program(NAME LINKS target...): an installed program from this folder's main.cc.
function(fedtrial_program NAME)
  cmake_parse_arguments(PROGRAM "" "" "LINKS" ${ARGN})
  if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/main.cc)
    return()
  endif()
  add_executable(${NAME} main.cc)
  target_link_libraries(${NAME} PRIVATE fedtrial_flags ${PROGRAM_LINKS})
  install(TARGETS ${NAME} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

# fedtrial_test(NAME [LABELS label...] LINKS target...): one binary of all *_test.cc in this folder. They are compiled five
# at a time as one file, since most of what a test costs is GoogleTest's headers and templates: one name, one thing.
function(fedtrial_test NAME)
  if(NOT FEDTRIAL_TESTS)
    return()
  endif()
  cmake_parse_arguments(TEST "" "TIMEOUT" "LABELS;LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cc)
  if(NOT sources)
    return()
  endif()
  if(NOT TEST_LABELS)
    set(TEST_LABELS fast)
  endif()
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 120)
  endif()
  add_executable(${NAME} ${sources})
  set_target_properties(${NAME} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 5)
  # A test isn't faster for -O3, but GCC 12 then takes three times as long and warns of its own <string> and <variant>.
  target_compile_options(${NAME} PRIVATE $<$<CONFIG:Release>:-O1>)
  if(FEDTRIAL_SANITIZE)  # with a sanitizer GCC 12 sees memset over impossible lengths in its own headers
    target_compile_options(${NAME} PRIVATE -Wno-stringop-overflow -Wno-array-bounds -Wno-restrict)
  endif()
  target_link_libraries(${NAME} PRIVATE fedtrial_flags ${TEST_LINKS} test_support GTest::gtest GTest::gmock GTest::gtest_main
                        ${RAPIDCHECK_LIBRARY})
  target_compile_definitions(${NAME} PRIVATE FEDTRIAL_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                             FEDTRIAL_BINARY_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  add_test(NAME ${NAME} COMMAND ${NAME} --gtest_brief=1)
  # The longest start first, so that none is left alone at the end.
  set_tests_properties(${NAME} PROPERTIES LABELS "${TEST_LABELS}" TIMEOUT ${TEST_TIMEOUT} COST ${TEST_TIMEOUT}
                       ENVIRONMENT "OMP_WAIT_POLICY=PASSIVE;OPENBLAS_NUM_THREADS=1;GRPC_VERBOSITY=NONE")
endfunction()
