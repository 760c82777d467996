# Warnings, sanitizers and fuzzing flags: one place for the library and for everything tested with it.
# SPDX-License-Identifier: Apache-2.0

set(divak_warnings
    -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wcast-qual -Wpointer-arith
    -Wundef -Wimplicit-fallthrough)

if(DIVAK_FUZZ AND NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "DIVAK_FUZZ needs clang; this is ${CMAKE_C_COMPILER_ID}. Say -DCMAKE_C_COMPILER=clang")
endif()
if(DIVAK_SANITIZE AND NOT DIVAK_SANITIZE MATCHES "^(address|undefined|thread|address,undefined)$")
    message(FATAL_ERROR
        "DIVAK_SANITIZE is \"${DIVAK_SANITIZE}\": say address, undefined, thread or address,undefined")
endif()

# A sanitizer must be in every object of a program, hence the folder's options and not a target's.
if(DIVAK_SANITIZE)
    add_compile_options(-fsanitize=${DIVAK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
    add_link_options(-fsanitize=${DIVAK_SANITIZE})
endif()
if(DIVAK_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# divak_compile_options(TARGET [OPTION...]): the project's warnings, and what this target needs beside them.
function(divak_compile_options target)
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
    target_compile_options(${target} PRIVATE ${divak_warnings} ${ARGN})
    if(DIVAK_WERROR)
        target_compile_options(${target} PRIVATE -Werror)
    endif()
endfunction()
