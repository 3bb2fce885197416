# Bulkhead.  Plain GNU make.
#
#   make            build everything (needs neither root nor network)
#   make install    DESTDIR, PREFIX, SYSCONFDIR, ... are respected
#   make check      install what is missing, build, pass all tests
#   make check-clients   real mail clients, from Debian, against it
#   make demo       a running mail system on loopback, to see and to try
#   make fuzz       build the fuzz targets and run each of them briefly
#   make lint       clang-tidy, cppcheck, clang-format
#   make bench      figures, beside Debian's mail systems in the same run
#
# How it finds its parts: every folder that holds a main.c is a program, named
# by its path with - for /.  All other .c files of common/ form one archive,
# and those of each daemon's tree another; the linker takes from them what a
# program uses, and --as-needed drops every library that nothing in it needs.
# test_x.c and fuzz_x.c lie beside x.c and become one program each.

include mk/variables.mk
include mk/flags.mk
include mk/parts.mk
include mk/build.mk
include mk/check.mk
include mk/install.mk
