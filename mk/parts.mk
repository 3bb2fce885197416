# What there is, found by looking.

DAEMON_DIRS := supervisor smtpd queue-manager local-delivery remote-relay \
	pop3d imapd authd directory resolver tlskeyd milterd bulkhead tests
TOP_DIRS := common $(DAEMON_DIRS)

SOURCES := $(sort $(patsubst ./%,%,$(shell find $(wildcard $(TOP_DIRS)) \
	-name '*.c' -not -path '*/peers/*' 2>/dev/null)))
MAIN_SOURCES := $(filter %/main.c,$(SOURCES))
TEST_SOURCES := $(foreach s,$(SOURCES),$(if $(filter test_%,$(notdir $(s))),$(s)))
FUZZ_SOURCES := $(foreach s,$(SOURCES),$(if $(filter fuzz_%,$(notdir $(s))),$(s)))
PART_SOURCES := $(filter-out $(MAIN_SOURCES) $(TEST_SOURCES) $(FUZZ_SOURCES),$(SOURCES))

obj = $(patsubst %.c,$(BUILD)/%.o,$(1))
top = $(firstword $(subst /, ,$(1)))
program = $(BUILD)/bin/$(subst /,-,$(patsubst %/main.c,%,$(1)))

PROGRAM_MAINS := $(filter-out tests/%,$(MAIN_SOURCES))
TOOL_MAINS := $(filter tests/%,$(MAIN_SOURCES))
PROGRAMS := $(foreach m,$(PROGRAM_MAINS),$(call program,$(m)))
TOOLS := $(foreach m,$(TOOL_MAINS),$(call program,$(m)))
TESTS := $(foreach t,$(TEST_SOURCES),$(BUILD)/$(patsubst %.c,%,$(t)))
FUZZERS := $(foreach t,$(FUZZ_SOURCES),$(BUILD)/$(patsubst %.c,%,$(t)))
ARCHIVES := $(foreach d,$(TOP_DIRS),$(if $(filter $(d)/%,$(PART_SOURCES)),$(BUILD)/$(d).a))
