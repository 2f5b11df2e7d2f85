# SPDX-License-Identifier: MIT
# The library and the tests' own programs under the tools that find what tests do not: sanitizers,
# valgrind, clang-tidy, and what a signal handler can reach.
# Expects BUILD and the variables of the Makefile.

# In trap mode there is no run-time to import: a defect ends the process with SIGILL.
UBSAN_CFLAGS = -O1 -g -fsanitize=undefined -fsanitize-undefined-trap-on-error
ASAN_CFLAGS = -O1 -g -fsanitize=address -fno-omit-frame-pointer
TSAN_CFLAGS = -O1 -g -fsanitize=thread

UBSAN_LIB = $(BUILD)/ubsan/liboctopus.so
$(UBSAN_LIB): $(wildcard shim/*/*.[ch])
	$(MAKE) BUILD=$(BUILD)/ubsan CFLAGS='$(UBSAN_CFLAGS)' all
TEST_PROGRAMS += $(UBSAN_LIB)

.PHONY: ubsan
ubsan: programs             ## upgrades and stops with the library under UBSan
	BUILD=$(abspath $(BUILD)) LIB=$(abspath $(UBSAN_LIB)) FILTER='$(FILTER)' tests/run.sh tests/sanitized.bats

# -z defs would have the sanitizer's own functions in the library; they come with the run-time.
SANITIZED_MAKE = $(MAKE) SHIM_LDFLAGS='$(filter-out -Wl$(comma)-z$(comma)defs,$(SHIM_LDFLAGS))' all programs
comma := ,

.PHONY: asan tsan
asan:                       ## unit tests, examples and the library under ASan
	$(SANITIZED_MAKE) BUILD=$(BUILD)/asan CFLAGS='$(ASAN_CFLAGS)'
	BUILD=$(abspath $(BUILD))/asan LIB=$(abspath $(BUILD))/asan/liboctopus.so \
	    SANITIZED_LIB=$(abspath $(BUILD))/asan/liboctopus.so \
	    SANITIZER=libasan.so FILTER='$(FILTER)' tests/run.sh tests/unit.bats tests/sanitized.bats

# TSan's run-time calls sigaction() before it is ready for code that was built with it, and so through the
# library's wrapper: a preloaded library cannot be built with it. What threads do at once to its modules,
# tests/unit/threads_test.c does; `make helgrind` looks at the whole.
tsan:                       ## unit tests under TSan
	$(SANITIZED_MAKE) BUILD=$(BUILD)/tsan CFLAGS='$(TSAN_CFLAGS)'
	BUILD=$(abspath $(BUILD))/tsan LIB=$(abspath $(BUILD))/tsan/liboctopus.so \
	    FILTER='$(FILTER)' tests/run.sh tests/unit.bats

TSAN_TEST = $(BUILD)/tsan/tests/unit/threads_test
$(TSAN_TEST): $(wildcard shim/*/*.[ch]) tests/unit/threads_test.c
	$(MAKE) BUILD=$(BUILD)/tsan CFLAGS='$(TSAN_CFLAGS)' $@
TEST_PROGRAMS += $(TSAN_TEST)

.PHONY: valgrind
valgrind: all programs      ## examples under memcheck, until a stop
	BUILD=$(abspath $(BUILD)) FILTER='$(FILTER)' tests/run.sh tests/valgrind.bats

# The library as it is shipped, but that its atomics tell helgrind what they are. -O1: calls keep their names.
HELGRIND_CFLAGS = -O1 -g -fno-inline -include $(CURDIR)/tests/analysis/annotated_atomics.h
HELGRIND_LIB = $(BUILD)/helgrind/liboctopus.so
$(HELGRIND_LIB): $(wildcard shim/*/*.[ch]) tests/analysis/annotated_atomics.h
	$(MAKE) BUILD=$(BUILD)/helgrind CC=gcc CFLAGS='$(HELGRIND_CFLAGS)' all
TEST_PROGRAMS += $(HELGRIND_LIB)

.PHONY: helgrind
helgrind: all programs      ## examples under helgrind: no race with the controller, until a stop
	BUILD=$(abspath $(BUILD)) FILTER='$(FILTER)' tests/run.sh tests/races.bats

.PHONY: tidy
tidy:                       ## clang-tidy over the library
	printf '%s\n' $(wildcard shim/*/*.c) | xargs -P "$$(nproc)" -I '{}' \
	    clang-tidy --quiet '{}' -- -std=gnu11 -D_GNU_SOURCE -DOCTOPUS_VERSION='""' -Ishim

# Objects in which each function and each datum has a section of its own: the relocations of a section
# are all that it can call or refer to (tests/handlers.bats). Without -fPIC an entry of a table is named
# by its offset, not reached through the table's address.
HANDLER_CFLAGS = -O1 -ffunction-sections -fdata-sections -fno-inline -fno-pic -fno-pie
HANDLER_OBJECTS = $(patsubst %.c,$(BUILD)/tests/handlers/%.o,$(wildcard shim/*/*.c))
HANDLER_STAMP = $(BUILD)/tests/handlers/built
$(HANDLER_STAMP): $(HANDLER_OBJECTS)
	touch $@
$(BUILD)/tests/handlers/shim/%.o: shim/%.c Makefile tests/analysis.mk
	@mkdir -p $(@D)
	$(CC) $(SHIM_CFLAGS) $(CPPFLAGS) $(HANDLER_CFLAGS) -MMD -MP -c -o $@ $<
-include $(HANDLER_OBJECTS:.o=.d)

$(BUILD)/tests/interposed_slots: tests/servers/interposed_slots.c shim/base/interpose.h
	@mkdir -p $(@D)
	$(CC) $(TEST_CFLAGS) -Ishim -o $@ $<

TEST_PROGRAMS += $(HANDLER_STAMP) $(BUILD)/tests/interposed_slots
