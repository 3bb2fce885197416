.DEFAULT_GOAL := all
.SECONDEXPANSION:
.DELETE_ON_ERROR:

# V=1 shows the whole commands.
Q := $(if $(V),,@)
say = $(if $(V),,@echo '  $(1)      $(2)')

all: $(PROGRAMS)
tools: $(TOOLS)
unit-tests: $(TESTS)
fuzzers: $(FUZZERS)

# A change of flags rebuilds; the file changes only when they do.
FLAGS_LINE := $(COMPILE) // $(LINK)
$(shell mkdir -p $(BUILD))
ifneq ($(file <$(BUILD)/flags),$(FLAGS_LINE))
$(file >$(BUILD)/flags,$(FLAGS_LINE))
endif

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(COMPILE) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

define archive_rule
$(BUILD)/$(1).a: $(call obj,$(filter $(1)/%,$(PART_SOURCES)))
	@rm -f $$@
	$$(call say,AR,$$@)
	$$(Q)$$(AR) rcsD $$@ $$(sort $$^)
endef
$(foreach d,$(TOP_DIRS),$(if $(filter $(d)/%,$(PART_SOURCES)),$(eval $(call archive_rule,$(d)))))

# bulkhead(8) also links every stage's table of settings, out of its archive.
archives_of = $(if $(filter bulkhead/%,$(1)),$(ARCHIVES),$(filter \
	$(BUILD)/$(call top,$(1)).a $(BUILD)/common.a,$(ARCHIVES)))
link_archives = -Wl,--start-group $(filter %.a,$(1)) -Wl,--end-group

# Mode 755 whatever the umask: a daemon's own uid executes it by descriptor.
define program_rule
$(call program,$(1)): $(call obj,$(1)) $(call archives_of,$(1))
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(LINK) -o $$@ $$(filter %.o,$$^) $$(call link_archives,$$^) $$(BK_LIBS) $$(TOOL_LIBS)
	@chmod 755 $$@
endef
$(foreach m,$(MAIN_SOURCES),$(eval $(call program_rule,$(m))))

define test_rule
$(BUILD)/$(patsubst %.c,%,$(1)): $(call obj,$(1)) $(call archives_of,$(1))
	$$(call say,LD,$$@)
	$$(Q)$$(LINK) -o $$@ $$(filter %.o,$$^) $$(call link_archives,$$^) $$(BK_LIBS) -lcmocka
endef
$(foreach t,$(TEST_SOURCES),$(eval $(call test_rule,$(t))))

define fuzz_rule
$(BUILD)/$(patsubst %.c,%,$(1)): $(call obj,$(1)) $(call archives_of,$(1))
	$$(call say,LD,$$@)
	$$(Q)$$(LINK) -fsanitize=fuzzer -o $$@ $$(filter %.o,$$^) $$(call link_archives,$$^) $$(BK_LIBS)
endef
$(foreach t,$(FUZZ_SOURCES),$(eval $(call fuzz_rule,$(t))))

clean:
	rm -rf build

-include $(patsubst %.c,$(BUILD)/%.d,$(SOURCES))
.PHONY: all tools unit-tests fuzzers clean
