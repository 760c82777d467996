# The C tests and the fuzz targets. Tests/core mirrors csrc: each *_test.c is a program of its own and one ctest entry.
# SPDX-License-Identifier: Apache-2.0
#
# Tests run in the root of the source tree, so that golden data has a fixed relative path. A test whose figures suffer
# when another one runs beside it says so in its first lines with the words "Runs alone"; one that is nothing without
# the transport says "Needs libcurl".

# divak_test_program(TARGET SOURCE...): a program linked with the static library that also sees the private headers.
function(divak_test_program target)
    add_executable(${target} ${ARGN})
    target_include_directories(${target} PRIVATE
        "${PROJECT_SOURCE_DIR}/csrc" "${PROJECT_SOURCE_DIR}/Tests/core" "${PROJECT_SOURCE_DIR}/fuzz")
    target_compile_definitions(${target} PRIVATE DIVAK_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
        DIVAK_SHARED_LIBRARY="$<TARGET_FILE:divak_shared>")
    target_link_libraries(${target} PRIVATE divak_static Threads::Threads m ${CMAKE_DL_LIBS})
    if(DIVAK_WITH_CURL)
        target_link_libraries(${target} PRIVATE CURL::libcurl)
    endif()
endfunction()

file(GLOB divak_tests CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/Tests/core/*/*_test.c")
foreach(source ${divak_tests})
    file(STRINGS "${source}" needs_curl LIMIT_INPUT 2000 REGEX "Needs libcurl")
    if(needs_curl AND NOT DIVAK_WITH_CURL)
        continue()
    endif()
    get_filename_component(layer "${source}" DIRECTORY)
    get_filename_component(layer "${layer}" NAME)
    get_filename_component(name "${source}" NAME_WE)
    set(target "${layer}_${name}")
    divak_test_program(${target} "${source}")
    divak_compile_options(${target})
    add_dependencies(${target} divak_shared) # loaded by some
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
    add_test(NAME "${layer}/${name}" COMMAND ${target} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
    set_tests_properties("${layer}/${name}" PROPERTIES TIMEOUT 300 LABELS core)
    file(STRINGS "${source}" alone LIMIT_INPUT 2000 REGEX "Runs alone")
    if(alone)
        set_tests_properties("${layer}/${name}" PROPERTIES RUN_SERIAL ON)
    endif()
endforeach()

# A fuzz target is a libFuzzer program with DIVAK_FUZZ, else a plain program that replays files; ctest gives either
# its corpus.
file(GLOB divak_fuzzers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/fuzz/*_fuzz.c")
foreach(source ${divak_fuzzers})
    get_filename_component(target "${source}" NAME_WE)
    string(REGEX REPLACE "_fuzz$" "" name "${target}")
    set(corpus "${PROJECT_SOURCE_DIR}/fuzz/corpus/${name}")
    if(DIVAK_FUZZ)
        divak_test_program(${target} "${source}")
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        add_test(NAME "fuzz/${name}" COMMAND ${target} -runs=0 "${corpus}")
    else()
        divak_test_program(${target} "${source}" "${PROJECT_SOURCE_DIR}/fuzz/replay_main.c")
        add_test(NAME "fuzz/${name}" COMMAND ${target} "${corpus}")
    endif()
    # libFuzzer declares its entry point in no header.
    divak_compile_options(${target} -Wno-missing-prototypes)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/fuzz")
    set_tests_properties("fuzz/${name}" PROPERTIES TIMEOUT 300 LABELS fuzz WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
endforeach()
