# SPDX-License-Identifier: Apache-2.0
# cmake --install: the library, its headers, a CMake package, a pkg-config file, and the programs. Both package files
# find their prefix from their own place, so that the tree can be moved. Programs are target names.
include(CMakePackageConfigHelpers)

set(CM_INSTALL_CMAKEDIR "${CMAKE_INSTALL_LIBDIR}/cmake/cryptomod")
set(CM_INSTALL_PKGCONFIGDIR "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}/${CM_INSTALL_PKGCONFIGDIR}"
           OUTPUT_VARIABLE CM_PC_PREFIX)

target_include_directories(cryptomod INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(TARGETS cryptomod EXPORT cryptomod-targets LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
# The part of the module that holds ipsec-mb, where it was built. Nobody links it, so no package file names it.
if(TARGET cryptomod_imb)
  install(TARGETS cryptomod_imb LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" NAMELINK_SKIP)
endif()
install(EXPORT cryptomod-targets NAMESPACE cryptomod:: DESTINATION "${CM_INSTALL_CMAKEDIR}")
install(FILES
  "${PROJECT_SOURCE_DIR}/include/cryptomod/cryptomod.h"
  "${PROJECT_SOURCE_DIR}/include/cryptomod/cryptomod.hpp"
  "${PROJECT_SOURCE_DIR}/include/cryptomod/audit_record.h"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/cryptomod")

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/cryptomod-config.cmake.in"
  "${PROJECT_BINARY_DIR}/cryptomod-config.cmake" INSTALL_DESTINATION "${CM_INSTALL_CMAKEDIR}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/cryptomod-config-version.cmake"
  VERSION "${PROJECT_VERSION}" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/cryptomod-config.cmake" "${PROJECT_BINARY_DIR}/cryptomod-config-version.cmake"
  DESTINATION "${CM_INSTALL_CMAKEDIR}")
configure_file("${PROJECT_SOURCE_DIR}/cmake/cryptomod.pc.in" "${PROJECT_BINARY_DIR}/cryptomod.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/cryptomod.pc" DESTINATION "${CM_INSTALL_PKGCONFIGDIR}")

# cm_install_programs(TARGET...): into bin.
function(cm_install_programs)
  install(TARGETS ${ARGN} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endfunction()

# The writer as a service: unit, socket and account for systemd. In the build directory stands a unit that starts the
# program there, for the test.
set(CM_SERVICE_AUDITD "${CMAKE_INSTALL_FULL_LIBEXECDIR}/cryptomod/cryptomod-auditd")
set(CM_SERVICE_DOC "${CMAKE_INSTALL_FULL_DOCDIR}/audit-service.md")
set(CM_SERVICE_SOURCE "${PROJECT_SOURCE_DIR}/audit/systemd")
configure_file("${CM_SERVICE_SOURCE}/cryptomod-auditd.service.in" "${PROJECT_BINARY_DIR}/cryptomod-auditd.service" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/cryptomod-auditd.service" "${CM_SERVICE_SOURCE}/cryptomod-auditd.socket"
  DESTINATION "lib/systemd/system")
install(FILES "${CM_SERVICE_SOURCE}/cryptomod-audit.sysusers.conf" DESTINATION "lib/sysusers.d" RENAME cryptomod-audit.conf)
install(FILES "${PROJECT_SOURCE_DIR}/docs/audit-service.md" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
