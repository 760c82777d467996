# What `cmake --install` lays down: both libraries, the headers, find_package(divak CONFIG) and divak.pc.
# SPDX-License-Identifier: Apache-2.0

include(CMakePackageConfigHelpers)

set(divak_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/divak")

install(TARGETS divak_static divak_shared EXPORT divak_targets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/divak" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILES_MATCHING PATTERN "*.h")
install(EXPORT divak_targets NAMESPACE divak:: FILE divakTargets.cmake DESTINATION "${divak_package_dir}")

configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/divakConfig.cmake.in"
    "${PROJECT_BINARY_DIR}/divakConfig.cmake" INSTALL_DESTINATION "${divak_package_dir}")
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/divakConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/divakConfig.cmake" "${PROJECT_BINARY_DIR}/divakConfigVersion.cmake"
    DESTINATION "${divak_package_dir}")

# The .pc file finds its prefix from where it lies, so that an installed tree may be moved or staged with DESTDIR.
cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_LIBDIR BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}" OUTPUT_VARIABLE divak_libdir)
cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_INCLUDEDIR BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}"
    OUTPUT_VARIABLE divak_includedir)
file(RELATIVE_PATH divak_prefix_from_pc "${divak_libdir}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
file(RELATIVE_PATH divak_libdir_from_prefix "${CMAKE_INSTALL_PREFIX}" "${divak_libdir}")
file(RELATIVE_PATH divak_includedir_from_prefix "${CMAKE_INSTALL_PREFIX}" "${divak_includedir}")
string(REGEX REPLACE "/$" "" divak_prefix_from_pc "${divak_prefix_from_pc}")
# -lcurl and not Requires.private: the latter would pull in all that a static libcurl needs.
set(divak_libs_private "-pthread -lm -ldl")
if(NOT APPLE)
    string(PREPEND divak_libs_private "-Wl,--exclude-libs,libdivak.a ")
endif()
if(DIVAK_WITH_CURL)
    string(PREPEND divak_libs_private "-lcurl ")
endif()
configure_file("${CMAKE_CURRENT_LIST_DIR}/divak.pc.in" "${PROJECT_BINARY_DIR}/divak.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/divak.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
