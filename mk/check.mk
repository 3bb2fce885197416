# Tests, fuzzing, lint and figures.  `make unit` runs the unit tests alone.

JOBS		?= 2
PYTEST_WORKERS	?= 3
FUZZ_SECONDS	?= 20
# Formatting is checked on the lines that changed since this commit.
LINT_BASE	?= HEAD

unit: unit-tests
	@for t in $(TESTS); do $$t >$$t.log 2>&1 || { cat $$t.log; echo "FAILED: $$t"; exit 1; }; done; \
	echo "$(words $(TESTS)) unit test programs passed"

# Both compilers must be content, and the unit tests pass with both; the whole
# dialogues run on the build of $(CC).  A sanitizer build is one of $(CC) alone.
CHECK_COMPILERS := $(if $(SANITIZE),$(CC),$(sort $(CC) gcc clang))

check:
	@mk/deps check
	@set -e; for cc in $(CHECK_COMPILERS); do \
		$(MAKE) -j$(JOBS) --no-print-directory -s CC=$$cc WERROR=1 \
		    all tools unit-tests; \
		$(MAKE) --no-print-directory -s CC=$$cc WERROR=1 unit; \
	done
	$(MAKE) --no-print-directory WERROR=1 system

# The dialogues, crashes and attacks under tests/, by themselves.
system: all tools
	BULKHEAD_BUILD=$(abspath $(BUILD)) BULKHEAD_SANITIZE=$(SANITIZE) BULKHEAD_WERROR=$(WERROR) \
	    $(PYTHON) -m pytest -p no:cacheprovider -n $(PYTEST_WORKERS) \
	    --dist loadgroup -ra --durations=10 --ignore tests/clients \
	    $(PYTEST_FLAGS) tests

# Real mail clients, from Debian.  Where one cannot be had, its tests are
# skipped and say so.
CLIENTS_LACK = echo "check-clients: not all clients could be had; their tests are skipped"
check-clients:
	@mk/deps clients || $(CLIENTS_LACK)
	@$(MAKE) -j$(JOBS) --no-print-directory -s WERROR=1 all
	@$(PYTHON) -B tests/clients/fetch.py build/clients || $(CLIENTS_LACK)
	@$(PYTHON) -c "import cryptography, pytest, xdist" || \
	    echo "check-clients: skipped, for python3-pytest or what it needs could not be had"
	@! $(PYTHON) -c "import cryptography, pytest, xdist" 2>/dev/null || \
	    BULKHEAD_BUILD=$(abspath $(BUILD)) BULKHEAD_SANITIZE=$(SANITIZE) \
	    BULKHEAD_CLIENTS=$(abspath build/clients) \
	    $(PYTHON) -m pytest -p no:cacheprovider -n $(PYTEST_WORKERS) \
	    -ra --durations=5 $(PYTEST_FLAGS) tests/clients

fuzz:
	@mk/deps fuzz
	$(MAKE) -j$(JOBS) --no-print-directory -s CC=clang \
	    SANITIZE=address,undefined BUILD=build/fuzz \
	    FUZZ_CFLAGS=-fsanitize=fuzzer-no-link fuzzers
	@mk/fuzz build/fuzz $(FUZZ_SECONDS) $(JOBS) \
	    $(patsubst $(BUILD)/%,build/fuzz/%,$(FUZZERS))

# clang-tidy answers per file, and only for what changed since it last did.
TIDY_DONE = $(patsubst %.c,$(BUILD)/%.tidy,$(SOURCES))
tidy: $(TIDY_DONE)
$(BUILD)/%.tidy: $(BUILD)/%.o .clang-tidy
	@clang-tidy --quiet --warnings-as-errors='*' $*.c -- \
	    $(BK_CPPFLAGS) $(filter-out -W% -f%,$(BK_CFLAGS)) $(CPPFLAGS) \
	    2>$@.err || { cat $@.err; rm -f $@.err; exit 1; }
	@rm -f $@.err; touch $@

lint:
	@mk/deps lint
	$(MAKE) -j$(JOBS) -k --no-print-directory -s CC=clang WERROR=1 tidy
	@mkdir -p build/cppcheck
	cppcheck -q -j$(JOBS) --std=c11 --inline-suppr --error-exitcode=1 \
	    --enable=warning,performance,portability \
	    --suppressions-list=mk/cppcheck.txt \
	    --cppcheck-build-dir=build/cppcheck -D_GNU_SOURCE -I. \
	    --include=/usr/include/bsd/sys/queue.h \
	    --include=/usr/include/bsd/sys/tree.h \
	    $(wildcard $(TOP_DIRS))
	@! grep -nE '\b(strcpy|strcat|sprintf|gets|strtok|atoi|alloca)\(' \
	    $(filter-out $(TEST_SOURCES),$(SOURCES))
	@mk/format-check $(LINT_BASE)
	@echo "lint: no findings"

# In namespaces of its own, so that nothing of it stays behind.
BENCH_ALONE = unshare --mount --propagation private --pid --fork --kill-child \
	--mount-proc env BULKHEAD_BUILD=$(abspath $(BUILD)) $(PYTHON)
BENCH_RUN = $(BENCH_ALONE) tests/bench/bench.py $(BUILD)/bin build/peers

bench: bench-mail bench-mailboxes

bench-build:
	@mk/deps bench
	$(MAKE) -j$(JOBS) --no-print-directory -s all tools

bench-mail: bench-build
	$(BENCH_RUN) --json build/bench.json $(BENCH_FLAGS)
	$(BENCH_RUN) --delay 5 --what local --systems bulkhead,postfix \
	    --json build/bench-delay.json $(BENCH_FLAGS)

# MAILBOX_FLAGS=--full for the whole of it.
bench-mailboxes: bench-build $(if $(filter bench,$(MAKECMDGOALS)),bench-mail)
	$(BENCH_ALONE) tests/bench/mailboxes.py $(BUILD)/bin build/peers \
	    --json build/bench-mailboxes.json $(MAILBOX_FLAGS)

.PHONY: unit check check-clients system fuzz tidy lint bench bench-build
.PHONY: bench-mail bench-mailboxes

# The one program here with a library of its own.
$(BUILD)/bin/tests-powercut-disk: TOOL_LIBS = -lfuse3
