# cmake --install and cpack: the program with its man page and completions, and a library with which
# a one-file project builds the whole program plus its own encoding.
include(GNUInstallDirs)

# Man page and completions are generated from the program's output, so that they have every flag.
if(NOT CMAKE_CROSSCOMPILING)
  add_custom_command(TARGET yonder POST_BUILD VERBATIM
    COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:yonder> -DFOLDER=${CMAKE_BINARY_DIR}/docs
      -P ${CMAKE_SOURCE_DIR}/.cmake/docs.cmake)
  install(FILES ${CMAKE_BINARY_DIR}/docs/yonder.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1
    COMPONENT program)
  install(FILES ${CMAKE_BINARY_DIR}/docs/yonder.bash RENAME yonder COMPONENT program
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${CMAKE_BINARY_DIR}/docs/yonder.zsh RENAME _yonder COMPONENT program
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${CMAKE_BINARY_DIR}/docs/yonder.fish COMPONENT program
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()
install(TARGETS yonder COMPONENT program)
install(FILES README.md CITATION.cff DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright COMPONENT program)

# The library consists of the program's objects; main() and the code that runs before it are in a
# second one, which a project with its own main() omits.
add_library(yonder_archive STATIC)
target_link_libraries(yonder_archive PRIVATE yonder_f32)
set_target_properties(yonder_archive PROPERTIES OUTPUT_NAME yonder LINKER_LANGUAGE CXX)
add_library(yonder_main STATIC train/cli/main.cpp $<TARGET_OBJECTS:yonder_startup>)
target_link_libraries(yonder_main PRIVATE yonder_flags)
add_dependencies(yonder yonder_archive yonder_main)  # one target builds all that is installed
install(TARGETS yonder_archive yonder_main ARCHIVE COMPONENT library)
foreach(room core encodings models datasets train)
  install(DIRECTORY ${room} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/yonder COMPONENT library
    FILES_MATCHING PATTERN "*.h")
endforeach()

# What a project that links the library needs: the same processor and macros, as headers contain
# SIMD code, and the library's dependencies.
get_target_property(definitions yonder_flags INTERFACE_COMPILE_DEFINITIONS)
list(FILTER definitions INCLUDE REGEX "^HWY_")
find_library(TOMLPLUSPLUS_LIBRARY tomlplusplus REQUIRED)
find_library(FMT_LIBRARY fmt REQUIRED)
set(links ${DNNL_LIBRARY} ${XXHASH_LIBRARY} ${TOMLPLUSPLUS_LIBRARY} ${FMT_LIBRARY})
if(MPI_CXX_FOUND)
  list(APPEND links ${MPI_CXX_LIBRARIES})
endif()
include(CMakePackageConfigHelpers)
set(packages ${CMAKE_INSTALL_LIBDIR}/cmake/yonder)
configure_package_config_file(.cmake/yonder-config.cmake.in ${CMAKE_BINARY_DIR}/yonder-config.cmake
  INSTALL_DESTINATION ${packages} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/yonder-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/yonder-config.cmake ${CMAKE_BINARY_DIR}/yonder-config-version.cmake
  DESTINATION ${packages} COMPONENT library)
list(TRANSFORM definitions PREPEND "-D" OUTPUT_VARIABLE pc_definitions)
list(JOIN pc_definitions " " pc_definitions)
list(JOIN links " " pc_links)
file(RELATIVE_PATH pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(.cmake/yonder.pc.in ${CMAKE_BINARY_DIR}/yonder.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/yonder.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
  COMPONENT library)

# cpack -G DEB: yonder, and yonder-dev with the library.
set(CPACK_PACKAGE_CONTACT "the yonder developers <noreply@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "train short, test long: compares position encodings")
set(CPACK_COMPONENTS_ALL program library)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS OFF)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME yonder)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME yonder-dev)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS
  "g++, libdnnl-dev, libhwy-dev, libxxhash-dev, libtomlplusplus-dev, libfmt-dev, nlohmann-json3-dev")
if(MPI_CXX_FOUND)
  string(APPEND CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS ", libopenmpi-dev")
endif()
include(CPack)
