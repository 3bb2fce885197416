# Tests.  `make unit` runs the unit tests alone.

unit: unit-tests
	@for t in $(TESTS); do $$t >$$t.log 2>&1 || { cat $$t.log; echo "FAILED: $$t"; exit 1; }; done; \
	echo "$(words $(TESTS)) unit test programs passed"

fuzz:
	$(MAKE) CC=clang SANITIZE=address,undefined BUILD=build/fuzz \
	    FUZZ_CFLAGS=-fsanitize=fuzzer-no-link fuzzers

.PHONY: unit fuzz
