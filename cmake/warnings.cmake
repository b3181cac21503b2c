# Flags for our own code only.
add_library(riposte_warnings INTERFACE)
target_compile_options(riposte_warnings INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual
  -Wformat=2 -Wundef -Wvla -Wwrite-strings -Wswitch-enum -Wnull-dereference -Wimplicit-fallthrough
  -fno-common -fstack-protector-strong -D_GNU_SOURCE)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(riposte_warnings INTERFACE -Wlogical-op -Wduplicated-cond -Wduplicated-branches)
endif()
if(RIPOSTE_WERROR)
  target_compile_options(riposte_warnings INTERFACE -Werror)
endif()
if(RIPOSTE_SANITIZE)
  target_compile_options(riposte_warnings INTERFACE -fsanitize=${RIPOSTE_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(riposte_warnings INTERFACE -fsanitize=${RIPOSTE_SANITIZE})
  if(RIPOSTE_SANITIZE MATCHES "undefined")
    target_compile_options(riposte_warnings INTERFACE -fno-sanitize-recover=all)
  endif()
elseif(CMAKE_BUILD_TYPE MATCHES "Rel")
  target_compile_options(riposte_warnings INTERFACE -D_FORTIFY_SOURCE=2)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
add_link_options(-Wl,-z,relro,-z,now)
