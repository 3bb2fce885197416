# make install: what goes where.  Needs neither root nor network; honours
# DESTDIR and the folders of mk/variables.mk.  INSTALL is for packagers.
#
# A sendmail, mailq or newaliases that is there is never replaced.  Ours are in
# $(LIBEXECDIR)/bulkhead; links to them in SBINDIR and BINDIR are made
#	SENDMAIL_LINKS=auto	where the host has none so far (the default)
#	SENDMAIL_LINKS=yes	or stop with an error
#	SENDMAIL_LINKS=no	not at all

BINDIR		?= $(PREFIX)/bin
SENDMAIL_LINKS	?= auto
INSTALL		?= install

D := $(DESTDIR)
PROGRAMDIR := $(LIBEXECDIR)/bulkhead
CONFDIR := $(SYSCONFDIR)/bulkhead
SPOOLDIR := $(LOCALSTATEDIR)/spool/bulkhead
STATEDIR := $(LOCALSTATEDIR)/lib/bulkhead
RUNDIR := $(RUNSTATEDIR)/bulkhead

fill_in = sed -e 's|@SBINDIR@|$(SBINDIR)|g' -e 's|@CONFDIR@|$(CONFDIR)|g' \
	-e 's|@SPOOLDIR@|$(SPOOLDIR)|g' -e 's|@STATEDIR@|$(STATEDIR)|g' \
	-e 's|@RUNDIR@|$(RUNDIR)|g'

DAEMON_PROGRAMS := $(filter-out %/bulkhead %/bulkhead-sendmail,$(PROGRAMS))
MANUALS := $(sort $(wildcard $(foreach n,1 5 7 8,doc/*.$(n) */*.$(n) */*/*.$(n))))
STAGE_MANUALS := $(foreach c,$(basename $(notdir $(wildcard etc/*.conf))), \
	$(if $(wildcard $(c)/$(c).conf.5),,$(if $(wildcard $(c)/$(c).8),$(c))))
DOCUMENTS := $(wildcard README.md INSTALL LICENSE doc/*.md)

install: all install-programs install-manuals install-etc install-links

install-programs: all
	$(INSTALL) -d -m 755 $(D)$(SBINDIR) $(D)$(PROGRAMDIR)
	$(INSTALL) -m 755 $(BUILD)/bin/bulkhead $(D)$(SBINDIR)/bulkhead
	$(INSTALL) -m 755 $(BUILD)/bin/bulkhead-sendmail $(D)$(PROGRAMDIR)/sendmail
	$(INSTALL) -m 755 $(DAEMON_PROGRAMS) $(D)$(PROGRAMDIR)

install-manuals:
	$(foreach m,$(MANUALS),$(INSTALL) -D -m 644 $(m) \
	    $(D)$(MANDIR)/man$(lastword $(subst ., ,$(m)))/$(notdir $(m)) && ) :
	@# Where stage.conf(5) is a part of stage(8).
	$(INSTALL) -d -m 755 $(D)$(MANDIR)/man5
	$(foreach s,$(STAGE_MANUALS),echo '.so man8/$(s).8' \
	    >$(D)$(MANDIR)/man5/$(s).conf.5 && ) :
	$(INSTALL) -d -m 755 $(D)$(DOCDIR)/decisions $(D)$(DOCDIR)/examples
	$(INSTALL) -m 644 $(DOCUMENTS) $(D)$(DOCDIR)
	$(INSTALL) -m 644 doc/decisions/*.md $(D)$(DOCDIR)/decisions
	$(INSTALL) -m 644 $(wildcard etc/*.conf) etc/domains etc/aliases etc/users \
	    etc/routes etc/relay-recipients $(D)$(DOCDIR)/examples

# The configuration directory stays empty: that is a working host.
install-etc:
	$(INSTALL) -d -m 755 $(D)$(CONFDIR) $(D)$(UNITDIR) $(D)$(SYSUSERSDIR) \
	    $(D)$(TMPFILESDIR) $(D)$(PAMDIR)
	$(fill_in) etc/systemd/bulkhead.service.in >$(D)$(UNITDIR)/bulkhead.service
	$(fill_in) etc/sysusers.d/bulkhead.conf.in >$(D)$(SYSUSERSDIR)/bulkhead.conf
	$(fill_in) etc/tmpfiles.d/bulkhead.conf.in >$(D)$(TMPFILESDIR)/bulkhead.conf
	chmod 644 $(D)$(UNITDIR)/bulkhead.service $(D)$(SYSUSERSDIR)/bulkhead.conf \
	    $(D)$(TMPFILESDIR)/bulkhead.conf
	test -e $(D)$(PAMDIR)/bulkhead || \
	    $(INSTALL) -m 644 etc/pam.d/bulkhead $(D)$(PAMDIR)/bulkhead

install-links: install-programs
	mk/sendmail-links "$(SENDMAIL_LINKS)" "$(D)" "$(PROGRAMDIR)/sendmail" \
	    "$(SBINDIR)/sendmail" "$(BINDIR)/mailq" "$(BINDIR)/newaliases"

# The examples in etc/ and the parameter lists of the manuals come from the
# settings tables; a test says when they are behind.
settings-text: $(BUILD)/bin/bulkhead
	mk/settings-text $(BUILD)/bin/bulkhead

# Two builds in two folders must be the same, octet for octet.
reproducible: all
	mk/reproducible $(abspath $(BUILD)) $(CC)

demo:
	@mk/deps demo
	@$(MAKE) -j$(JOBS) --no-print-directory -s all
	@$(PYTHON) -B mk/demo/tour.py $(abspath $(BUILD))

.PHONY: install install-programs install-manuals install-etc install-links
.PHONY: settings-text reproducible demo
