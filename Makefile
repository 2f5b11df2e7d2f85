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
SHIM_LDFLAGS = -shared -pthread -Wl,-z,now -Wl,-z,relro -Wl,-z,noexecstack -Wl,-z,defs -Wl,-z,noseparate-code -Wl,-Bsymbolic-functions
TEST_CFLAGS  = -std=gnu11 -D_GNU_SOURCE -DOCTOPUS_VERSION='"$(VERSION)"' -pthread $(WARNINGS)
WARNINGS     = -Wall -Wextra $(if $(filter 1,$(WERROR)),-Werror)

LIB          = $(BUILD)/liboctopus.so
SHIM_SOURCES = $(wildcard shim/*/*.c)
SHIM_OBJECTS = $(SHIM_SOURCES:%.c=$(BUILD)/%.o)
UNIT_TESTS   = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*_test.c))

.PHONY: all programs fast-programs check-fast check test installcheck lint install uninstall clean distclean dist help
all: $(LIB)                 ## build the library (default)

$(LIB): $(SHIM_OBJECTS)
	$(CC) $(SHIM_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ -ldl $(LDLIBS)

$(BUILD)/shim/%.o: shim/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(SHIM_CFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# $(call library_build,NAME,COMPILER,FLAGS): the same library with another compiler or other flags, below
# $(BUILD)/NAME. One run of make knows all of these builds, so that they share its jobs.
define library_build
$$(BUILD)/$(1)/liboctopus.so: $$(SHIM_SOURCES:%.c=$$(BUILD)/$(1)/%.o)
	$(2) $$(SHIM_LDFLAGS) $(3) $$(LDFLAGS) -o $$@ $$^ -ldl $$(LDLIBS)
$$(BUILD)/$(1)/shim/%.o: shim/%.c Makefile $(wildcard tests/*.mk)
	@mkdir -p $$(@D)
	$(2) $$(SHIM_CFLAGS) $$(CPPFLAGS) $(3) -MMD -MP -c -o $$@ $$<
endef

# These add what the tests run to TEST_PROGRAMS, and what the fast ones of them do without to OTHER_BUILDS.
-include tests/programs.mk
-include tests/hostile.mk
-include tests/faults.mk
-include tests/analysis.mk
programs: fast-programs $(OTHER_BUILDS)   ## build what the tests run besides the library
fast-programs: $(TEST_PROGRAMS) $(UNIT_TESTS)   ## build what the fast tests run of it

# A unit test and a fuzzer name the modules that they are linked with in a comment line:
# " * Links: base/settings.c base/log.c".
linked_objects = $(patsubst %.c,$(2)/shim/%.o,$(filter %.c,$(shell sed -n 's/^ \* Links: //p' $(1))))
.SECONDEXPANSION:
$(UNIT_TESTS): $(BUILD)/tests/unit/%: tests/unit/%.c $$(call linked_objects,tests/unit/$$*.c,$(BUILD))
	@mkdir -p $(@D)
	$(CC) $(TEST_CFLAGS) -Ishim $(CPPFLAGS) $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $(filter %.c %.o,$^) -ldl $(LDLIBS)

# As many jobs as there are processors, unless make was told a number.
PARALLEL = $(if $(findstring --jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
RUN_TESTS = BUILD=$(abspath $(BUILD)) FILTER='$(FILTER)' tests/run.sh $(TESTS)
PREPARE = $(if $(filter 1,$(OCTOPUS_NO_INSTALL)),,tests/install_packages.sh)

check-fast:                 ## the quick tests, one or two of each feature: less than two minutes
	$(MAKE) $(PARALLEL) all fast-programs
	FAST=1 $(RUN_TESTS)

check:                      ## all tests, with what is installed; TESTS='tests/a.bats ...' and FILTER=regex narrow them
	$(MAKE) $(PARALLEL) all programs
	$(RUN_TESTS)

test:                       ## install what the tests need (Debian, as root), then check; OCTOPUS_NO_INSTALL=1
	$(PREPARE)
	$(MAKE) check

installcheck:               ## the same on the installed library
	$(PREPARE)
	$(MAKE) $(PARALLEL) programs
	LIB=$(DESTDIR)$(libdir)/liboctopus.so $(RUN_TESTS)

.PHONY: fuzz
fuzz: $(FUZZ_PROGRAMS)      ## fuzz the readers of hand-over, settings and HTTP; FUZZ_SECONDS=60 each
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
.PHONY: lint-format lint-scripts lint-cppcheck lint-tidy lint-gcc lint-clang
LINTERS = lint-format lint-scripts lint-cppcheck lint-tidy lint-gcc lint-clang
lint:                       ## formatting, shell scripts, static analysis, warnings of both compilers
	@$(MAKE) --no-print-directory --keep-going --output-sync $(PARALLEL) $(LINTERS)

lint-format:                ## clang-format
	clang-format --dry-run -Werror $(C_FILES)
lint-scripts:               ## shellcheck
	shellcheck $(SCRIPT_FILES)
	shellcheck --shell=bats --exclude=$(BATS_EXCLUDED) $(BATS_FILES)
lint-cppcheck:              ## cppcheck
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
	    --error-exitcode=1 -D_GNU_SOURCE -D__x86_64__ -D__linux__ -DOCTOPUS_VERSION='""' \
	    -Ishim $(SHIM_SOURCES) $(wildcard tests/*/*.c)

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
	@$(MAKE) $(PARALLEL) --silent --no-print-directory all $(DEMO_PROGRAMS)
	@BUILD=$(BUILD) tools/demo.sh

.PHONY: bench
bench:                      ## what the library costs, in ratios, and its peers beside it; 15 minutes; SECTIONS='calls stop'
	$(if $(PREPARE),@$(PREPARE) && tests/bench/install.sh)
	@$(MAKE) $(PARALLEL) --silent --no-print-directory all $(BENCH_PROGRAMS)
	@BUILD=$(BUILD) tests/bench/bench.sh

.PHONY: soak
soak:                       ## 1,000 upgrades of real servers under load, with faults; SOAK_UPGRADES, SOAK_SEED
	$(PREPARE)
	@$(MAKE) $(PARALLEL) --silent --no-print-directory all programs
	@BUILD=$(abspath $(BUILD)) tests/soak.sh

clean:                      ## remove what was built
	rm -rf $(BUILD)

distclean: clean            ## remove one's own settings too
	rm -f config.mk

help:                       ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1	/p' $(filter Makefile %.mk,$(MAKEFILE_LIST)) | sort | expand -t 18

-include $(SHIM_OBJECTS:.o=.d) $(UNIT_TESTS:=.d) $(wildcard $(BUILD)/*/shim/*/*.d $(BUILD)/tests/*/shim/*/*.d)
