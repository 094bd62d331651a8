# SPDX-License-Identifier: Apache-2.0
# Every dependency is a Debian 12 package; tools/packages lists them and tools/quickstart and tools/test install them.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(TSS2 REQUIRED IMPORTED_TARGET tss2-esys tss2-mu tss2-rc tss2-tctildr)
find_path(CM_SDT_INCLUDE_DIR sys/sdt.h REQUIRED)
mark_as_advanced(CM_SDT_INCLUDE_DIR)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
