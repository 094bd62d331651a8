# SPDX-License-Identifier: Apache-2.0
# cm_inject(TARGET): writes the integrity digest into a shared library after each link. Call it in the directory that
# makes the target. Sanitizers and coverage put writable data into every object; only those builds accept it.
function(cm_inject target)
  set(flags "")
  if(CM_SANITIZE OR CM_COVERAGE)
    set(flags --allow-data)
  endif()
  add_dependencies(${target} cm-inject-digest)
  # Installation must not rewrite the file: no search path in it that would have to change.
  set_target_properties(${target} PROPERTIES SKIP_BUILD_RPATH ON INSTALL_RPATH "")
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND cm-inject-digest ${flags} $<TARGET_FILE:${target}>
    COMMENT "Injecting the integrity digest into $<TARGET_FILE_NAME:${target}>"
    VERBATIM)
endfunction()
