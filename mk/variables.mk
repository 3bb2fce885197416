# What the caller may set.

CC		?= cc
ifeq ($(origin CC),default)
CC		:= gcc
endif
PYTHON		?= /usr/bin/python3

PREFIX		?= /usr/local
SBINDIR		?= $(PREFIX)/sbin
LIBEXECDIR	?= $(PREFIX)/libexec
MANDIR		?= $(PREFIX)/share/man
DOCDIR		?= $(PREFIX)/share/doc/bulkhead
SYSCONFDIR	?= /etc
LOCALSTATEDIR	?= /var
RUNSTATEDIR	?= /run
UNITDIR		?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR	?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR	?= $(PREFIX)/lib/tmpfiles.d
PAMDIR		?= $(SYSCONFDIR)/pam.d

# address,undefined: a build that the whole suite also runs under.
SANITIZE	?=
# 1: warnings are errors (check and lint set it).
WERROR		?=

comma		:= ,
VARIANT		:= $(notdir $(CC))$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))
BUILD		?= build/$(VARIANT)
