# `cmake --install build/release`: a system that `systemctl enable --now riposte` starts.
set(RIPOSTE_SYSTEMD_DIR "${CMAKE_INSTALL_PREFIX}/lib/systemd/system" CACHE PATH "where systemd units go")
set(RIPOSTE_SYSUSERS_DIR "${CMAKE_INSTALL_PREFIX}/lib/sysusers.d" CACHE PATH "where sysusers.d files go")
set(BINDIR "${CMAKE_INSTALL_FULL_BINDIR}")
configure_file(etc/systemd/riposte.service ${PROJECT_BINARY_DIR}/riposte.service @ONLY)

# What shells complete is written by the program, from its own table of commands.
set(RIPOSTE_BASH_COMPLETION_DIR "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" CACHE PATH "where bash looks for completions")
set(RIPOSTE_ZSH_COMPLETION_DIR "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" CACHE PATH "where zsh looks for completions")
foreach(shell bash zsh)
  set(completion_${shell} ${PROJECT_BINARY_DIR}/completion.${shell})
  add_custom_command(OUTPUT ${completion_${shell}} COMMAND riposte completion ${shell} > ${completion_${shell}}
    DEPENDS riposte VERBATIM)
endforeach()
add_custom_target(completions ALL DEPENDS ${completion_bash} ${completion_zsh})
install(FILES ${completion_bash} DESTINATION ${RIPOSTE_BASH_COMPLETION_DIR} RENAME riposte)
install(FILES ${completion_zsh} DESTINATION ${RIPOSTE_ZSH_COMPLETION_DIR} RENAME _riposte)

install(TARGETS riposte RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(PROGRAMS scripts/acme-dns-config scripts/acme-dns-postgres DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/riposte)
foreach(HOOK_CLIENT dehydrated uacme exec) # certbot takes a command line
  configure_file(scripts/hook.in ${PROJECT_BINARY_DIR}/hook-${HOOK_CLIENT} @ONLY)
  install(PROGRAMS ${PROJECT_BINARY_DIR}/hook-${HOOK_CLIENT} DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/riposte)
endforeach()
install(FILES docs/man/riposte.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES docs/man/riposte.yaml.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES etc/riposte.yaml DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/riposte RENAME riposte.yaml.sample)
# As in the sources, so that the links between them lead somewhere.
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES etc/riposte.yaml etc/accounts.yaml.example DESTINATION ${CMAKE_INSTALL_DOCDIR}/etc)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs PATTERN man EXCLUDE)
install(FILES ${PROJECT_BINARY_DIR}/riposte.service etc/systemd/riposte-dns.socket etc/systemd/riposte-api.socket
        DESTINATION ${RIPOSTE_SYSTEMD_DIR})
install(FILES etc/systemd/riposte.sysusers DESTINATION ${RIPOSTE_SYSUSERS_DIR} RENAME riposte.conf)
