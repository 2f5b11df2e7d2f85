# SPDX-License-Identifier: MIT
# GNU make. Settings of one's own go on the command line or into config.mk.
VERSION := 0.1.0
BUILD   ?= build
-include config.mk

PREFIX      ?= /usr/local
prefix       = $(PREFIX)
exec_prefix  = $(prefix)
libdir       = $(exec_prefix)/lib

INSTALL  ?= install
LDCONFIG ?= ldconfig
CFLAGS   ?= -O2 -g

# initial-exec: a TLS access in a signal handler must not end in __tls_get_addr, which may allocate.
# now: no lazy binding inside a handler either.
SHIM_CFLAGS  = -std=gnu11 -D_GNU_SOURCE -Ishim -fPIC -fvisibility=hidden -ftls-model=initial-exec -pthread \
               -DOCTOPUS_VERSION='"$(VERSION)"' $(WARNINGS)
SHIM_LDFLAGS = -shared -pthread -Wl,-z,now -Wl,-z,relro -Wl,-z,noexecstack -Wl,-z,defs -Wl,-z,noseparate-code
TEST_CFLAGS  = -std=gnu11 -D_GNU_SOURCE -DOCTOPUS_VERSION='"$(VERSION)"' -pthread $(WARNINGS)
WARNINGS     = -Wall -Wextra $(if $(filter 1,$(WERROR)),-Werror)

LIB          = $(BUILD)/liboctopus.so
SHIM_OBJECTS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard shim/*/*.c))
UNIT_TESTS   = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*_test.c))

.PHONY: all programs steps check test installcheck lint install uninstall clean distclean dist help
all: $(LIB)                 ## build the library (default)

$(LIB): $(SHIM_OBJECTS)
	$(CC) $(SHIM_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ -ldl $(LDLIBS)

$(BUILD)/shim/%.o: shim/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(SHIM_CFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The same library with the steps at which a test can strike (shim/base/failpoint.h).
STEPS_LIB = $(BUILD)/steps/liboctopus.so
steps: $(STEPS_LIB)
$(STEPS_LIB): $(patsubst %.c,$(BUILD)/steps/%.o,$(wildcard shim/*/*.c))
	$(CC) $(SHIM_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ -ldl $(LDLIBS)
$(BUILD)/steps/shim/%.o: shim/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(SHIM_CFLAGS) -DOCTOPUS_FAILPOINTS $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# tests/programs.mk adds the example servers and clients to TEST_PROGRAMS.
-include tests/programs.mk
-include tests/hostile.mk
-include tests/faults.mk
-include tests/analysis.mk
programs: $(TEST_PROGRAMS) $(UNIT_TESTS) $(STEPS_LIB)   ## build what the tests run besides the library

# A unit test names the modules it is linked with in a comment line: " * Links: settings.c log.c".
unit_objects = $(patsubst %.c,$(BUILD)/shim/%.o,$(shell sed -n 's/^ \* Links: //p' $(1)))
.SECONDEXPANSION:
$(UNIT_TESTS): $(BUILD)/tests/unit/%: tests/unit/%.c $$(call unit_objects,tests/unit/$$*.c)
	@mkdir -p $(@D)
	$(CC) $(TEST_CFLAGS) -Ishim $(CPPFLAGS) $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $(filter %.c %.o,$^) -ldl $(LDLIBS)

check: needs-packages       ## run the tests; TESTS='tests/a.bats ...' and FILTER=regex narrow them
	$(MAKE) all programs
	BUILD=$(abspath $(BUILD)) FILTER='$(FILTER)' tests/run.sh $(TESTS)
test: check                 ## the same as check

installcheck: needs-packages   ## run the tests on the installed library
	$(MAKE) programs
	BUILD=$(abspath $(BUILD)) LIB=$(DESTDIR)$(libdir)/liboctopus.so FILTER='$(FILTER)' tests/run.sh $(TESTS)

.PHONY: needs-packages
needs-packages:
	$(if $(filter 1,$(OCTOPUS_NO_INSTALL)),,tests/install_packages.sh)

.PHONY: fuzz
fuzz: $(FUZZ_PROGRAMS)      ## fuzz the readers of hand-over, settings and HTTP; FUZZ_SECONDS=60 for each
	@for name in $(FUZZERS); do \
	    mkdir -p $(BUILD)/fuzz/$$name; \
	    $(BUILD)/tests/fuzz/$$name -seed=$(FUZZ_SEED) -max_total_time=$(FUZZ_SECONDS) -max_len=2048 \
	        -artifact_prefix=$(BUILD)/fuzz/$$name- -print_final_stats=1 \
	        $(BUILD)/fuzz/$$name tests/fuzz/corpus/$$name || exit 1; \
	done

C_FILES      = $(wildcard shim/*/*.[ch] tools/*.[ch] tests/*/*.[ch])
SCRIPT_FILES = .ci/run $(wildcard tests/*.sh tests/*/*.sh tools/*.sh)
BATS_FILES   = $(wildcard tests/*.bats tests/*.bash)
# Variables pass between helpers and tests, which shellcheck reads one file at a time.
BATS_EXCLUDED = SC1091,SC2030,SC2031,SC2034,SC2154
lint:                       ## formatting, shell scripts, static analysis, warnings of both compilers
	clang-format --dry-run -Werror $(C_FILES)
	shellcheck $(SCRIPT_FILES)
	shellcheck --shell=bats --exclude=$(BATS_EXCLUDED) $(BATS_FILES)
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
	    --error-exitcode=1 -D_GNU_SOURCE -D__x86_64__ -D__linux__ \
	    -Ishim $(wildcard shim/*/*.c tests/*/*.c)
	$(MAKE) tidy
	$(MAKE) BUILD=$(BUILD)/analyzer CC=gcc WERROR=1 CFLAGS='-O2 -fanalyzer' all
	$(MAKE) BUILD=$(BUILD)/clang CC=clang WERROR=1 all programs

install: all                ## install below $(DESTDIR)$(PREFIX)
	$(INSTALL) -d $(DESTDIR)$(libdir)
	$(INSTALL) -m 0644 $(LIB) $(DESTDIR)$(libdir)/liboctopus.so
	$(call refresh_loader_cache)

uninstall:                  ## remove what install put there
	rm -f $(DESTDIR)$(libdir)/liboctopus.so
	$(call refresh_loader_cache)

# LD_PRELOAD=liboctopus.so by bare name needs the loader's cache; a packager's staged tree must not touch it.
refresh_loader_cache = $(if $(DESTDIR),,-$(LDCONFIG))

dist:                       ## make a source archive of the last commit
	@mkdir -p $(BUILD)
	git archive --prefix=octopus-$(VERSION)/ -o $(BUILD)/octopus-$(VERSION).tar.gz HEAD

.PHONY: demo
demo:                       ## see upgrades and a stop under load, in less than 30 s
	@echo "Building the library, the example server in two versions, and the load client."
	@$(MAKE) --silent --no-print-directory all $(DEMO_PROGRAMS)
	@BUILD=$(BUILD) tools/demo.sh

.PHONY: bench
bench: needs-packages       ## what the library costs, in ratios, and its peers beside it; 9 minutes; SECTIONS='calls stop'
	$(if $(filter 1,$(OCTOPUS_NO_INSTALL)),,@tests/bench/install.sh)
	@$(MAKE) --silent --no-print-directory all $(BENCH_PROGRAMS)
	@BUILD=$(BUILD) tests/bench/bench.sh

.PHONY: soak
soak: needs-packages        ## 1,000 upgrades of real servers under load, with faults; SOAK_UPGRADES, SOAK_SEED
	@$(MAKE) --silent --no-print-directory all programs
	@BUILD=$(abspath $(BUILD)) tests/soak.sh

clean:                      ## remove what was built
	rm -rf $(BUILD)

distclean: clean            ## remove one's own settings too
	rm -f config.mk

help:                       ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

-include $(SHIM_OBJECTS:.o=.d) $(UNIT_TESTS:=.d) $(wildcard $(BUILD)/steps/shim/*/*.d)
