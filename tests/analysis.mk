# SPDX-License-Identifier: MIT
# The library and the tests' own programs under the tools that find what tests do not: sanitizers,
# valgrind, clang-tidy, and what a signal handler can reach.
# Expects BUILD and the variables of the Makefile.

# In trap mode there is no run-time to import: a defect ends the process with SIGILL.
UBSAN_CFLAGS = -O1 -g -fsanitize=undefined -fsanitize-undefined-trap-on-error
ASAN_CFLAGS = -O1 -g -fsanitize=address -fno-omit-frame-pointer
TSAN_CFLAGS = -O1 -g -fsanitize=thread

UBSAN_LIB = $(BUILD)/ubsan/liboctopus.so
$(eval $(call library_build,ubsan,$$(CC),$$(UBSAN_CFLAGS)))
OTHER_BUILDS += $(UBSAN_LIB)

.PHONY: ubsan
ubsan: programs             ## upgrades and stops with the library under UBSan
	BUILD=$(abspath $(BUILD)) LIB=$(abspath $(UBSAN_LIB)) FILTER='$(FILTER)' tests/run.sh tests/sanitized.bats

# -z defs would have the sanitizer's own functions in the library; they come with the run-time.
SANITIZED_MAKE = $(MAKE) $(PARALLEL) SHIM_LDFLAGS='$(filter-out -Wl$(comma)-z$(comma)defs,$(SHIM_LDFLAGS))'
comma := ,

.PHONY: asan tsan
asan:                       ## unit tests, examples and the library under ASan
	+$(SANITIZED_MAKE) BUILD=$(BUILD)/asan CFLAGS='$(ASAN_CFLAGS)' all servers unit-tests
	BUILD=$(abspath $(BUILD))/asan LIB=$(abspath $(BUILD))/asan/liboctopus.so \
	    SANITIZED_LIB=$(abspath $(BUILD))/asan/liboctopus.so \
	    SANITIZER=libasan.so FILTER='$(FILTER)' tests/run.sh tests/unit.bats tests/sanitized.bats

# TSan's run-time calls sigaction() before it is ready for code that was built with it, and so through the
# library's wrapper: a preloaded library cannot be built with it. What threads do at once to its modules,
# tests/unit/threads_test.c does; `make helgrind` looks at the whole.
tsan:                       ## unit tests under TSan
	+$(SANITIZED_MAKE) BUILD=$(BUILD)/tsan CFLAGS='$(TSAN_CFLAGS)' all unit-tests
	BUILD=$(abspath $(BUILD))/tsan LIB=$(abspath $(BUILD))/tsan/liboctopus.so \
	    FILTER='$(FILTER)' tests/run.sh tests/unit.bats

TSAN_TEST = $(BUILD)/tsan/tests/unit/threads_test
$(TSAN_TEST): $(wildcard shim/*/*.[ch]) tests/unit/threads_test.c
	$(MAKE) BUILD=$(BUILD)/tsan CFLAGS='$(TSAN_CFLAGS)' $@
OTHER_BUILDS += $(TSAN_TEST)

.PHONY: valgrind
valgrind: all programs      ## examples under memcheck, until a stop
	BUILD=$(abspath $(BUILD)) FILTER='$(FILTER)' tests/run.sh tests/valgrind.bats

# The library as it is shipped, but that its atomics tell helgrind what they are. -O1: calls keep their names.
HELGRIND_CFLAGS = -O1 -g -fno-inline -include $(CURDIR)/tests/analysis/annotated_atomics.h
HELGRIND_LIB = $(BUILD)/helgrind/liboctopus.so
$(eval $(call library_build,helgrind,gcc,$$(HELGRIND_CFLAGS)))
OTHER_BUILDS += $(HELGRIND_LIB)

.PHONY: helgrind
helgrind: all programs      ## examples under helgrind: no race with the controller, until a stop
	BUILD=$(abspath $(BUILD)) FILTER='$(FILTER)' tests/run.sh tests/races.bats

lint-tidy:                  ## clang-tidy and clang's warnings over the library
	@printf '%s\n' $(SHIM_SOURCES) | xargs -P "$$(nproc)" -I '{}' clang-tidy --quiet '{}' -- $(SHIM_CFLAGS)

# Objects are all that the analyser needs.
$(eval $(call library_build,analyzer,gcc,-O2 -fanalyzer -Werror))
lint-gcc: $(SHIM_SOURCES:%.c=$(BUILD)/analyzer/%.o)   ## gcc's analyser and warnings over the library

# Nobody runs what clang would make of them: its front end gives all the warnings.
lint-clang:                 ## clang's warnings over the tests and tools
	clang -fsyntax-only -Werror $(TEST_CFLAGS) -DSERVER_VERSION='""' -Ishim -Itests/servers -Itests/client \
	    $(wildcard tests/*/*.c tools/*.c)

# Objects in which each function and each datum has a section of its own: the relocations of a section
# are all that it can call or refer to (tests/handlers.bats). Without -fPIC an entry of a table is named
# by its offset, not reached through the table's address.
HANDLER_CFLAGS = -O1 -ffunction-sections -fdata-sections -fno-inline -fno-pic -fno-pie
$(eval $(call library_build,tests/handlers,$$(CC),$$(HANDLER_CFLAGS)))
TEST_PROGRAMS += $(SHIM_SOURCES:%.c=$(BUILD)/tests/handlers/%.o) $(BUILD)/tests/interposed_slots

$(BUILD)/tests/interposed_slots: tests/servers/interposed_slots.c shim/base/interpose.h
	@mkdir -p $(@D)
	$(CC) $(TEST_CFLAGS) -Ishim -o $@ $<
