# The flags that we add; the caller's CPPFLAGS, CFLAGS and LDFLAGS come last
# and win.  What a compiler or an architecture does not know is probed once.

probe = $(shell echo 'int main(void){return 0;}' | \
	$(CC) -Werror $(1) -x c - -o /dev/null 2>/dev/null && echo '$(1)')

HARDEN_CANDIDATES := -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection=full -mbranch-protection=standard \
	-ftrivial-auto-var-init=zero -fzero-call-used-regs=used-gpr

ifeq ($(wildcard $(BUILD)/hardening.mk),)
# (`make check` on a new host is read before it has installed the compiler.)
ifneq ($(shell command -v $(firstword $(CC))),)
$(shell mkdir -p $(BUILD))
$(file >$(BUILD)/hardening.mk,HARDEN := $(foreach f,$(HARDEN_CANDIDATES),$(call probe,$(f))))
endif
endif
-include $(BUILD)/hardening.mk

BK_CPPFLAGS := -I. -D_GNU_SOURCE \
	-DBULKHEAD_SYSCONFDIR='"$(SYSCONFDIR)/bulkhead"' \
	-DBULKHEAD_SBINDIR='"$(SBINDIR)"' \
	-DBULKHEAD_LIBEXECDIR='"$(LIBEXECDIR)/bulkhead"' \
	-DBULKHEAD_LOCALSTATEDIR='"$(LOCALSTATEDIR)"' \
	-DBULKHEAD_RUNSTATEDIR='"$(RUNSTATEDIR)"'
BK_CFLAGS := -std=gnu17 -O2 -g -Wall -Wextra -Wshadow -Wformat=2 -Wvla \
	-Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
	-Wimplicit-fallthrough -fPIE -fno-strict-aliasing \
	-fno-delete-null-pointer-checks -fno-strict-overflow \
	-ffile-prefix-map=$(CURDIR)=. $(if $(WERROR),-Werror)
BK_LDFLAGS := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code \
	-Wl,--as-needed -Wl,--build-id=sha1
ifeq ($(SANITIZE),)
BK_CPPFLAGS += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
BK_CFLAGS += $(HARDEN)
else
BK_CPPFLAGS += -DBULKHEAD_SANITIZE
BK_CFLAGS += -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all
# A sanitizer looks for crypt(3) once, before PAM has loaded a module that
# brings it.
BK_LDFLAGS += -fsanitize=$(SANITIZE) -Wl,--no-as-needed -lcrypt -Wl,--as-needed
endif

# Everything a program of ours may need; --as-needed keeps what it does need.
# What the C library has itself (reallocarray, arc4random) is taken from there:
# a library less in each session is 16 KiB less.
BK_LIBS := -levent_core -llmdb -lseccomp -lcrypt -lidn2 -lunistring -lz -lpam -lssl -lcrypto \
	-lc -lbsd -lunbound -lpthread

COMPILE = $(CC) $(BK_CPPFLAGS) $(CPPFLAGS) $(BK_CFLAGS) $(CFLAGS)
LINK = $(CC) $(BK_CFLAGS) $(CFLAGS) $(BK_LDFLAGS) $(LDFLAGS)
