/* SPDX-License-Identifier: MIT */
/* The library's atomics as helgrind is to see them; put before every source by -include. Helgrind knows
 * locks only and takes each atomic access for a race. Here each tells it two things: these bytes are
 * an atomic's and need no check, and this access orders what C11 says that it orders (a relaxed one
 * nothing). All else is checked as ever, also whether what an atomic is to publish was written before
 * it. That nothing but an atomic is accessed through these functions, clang sees to: it refuses them
 * for anything else (make lint).
 *
 * A load is taken to follow every store that came before it: one store may so hide behind another. */
#ifndef OCTOPUS_ANNOTATED_ATOMICS_H
#define OCTOPUS_ANNOTATED_ATOMICS_H

#include <stdatomic.h>
#include <valgrind/helgrind.h>

#undef atomic_load
#undef atomic_load_explicit
#undef atomic_store
#undef atomic_store_explicit
#undef atomic_exchange
#undef atomic_compare_exchange_strong
#undef atomic_fetch_add
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub_explicit
#undef atomic_fetch_and
#undef atomic_fetch_or

#define ACQUIRES(order) ((order) != memory_order_relaxed && (order) != memory_order_release)
#define RELEASES(order) ((order) != memory_order_relaxed && (order) != memory_order_acquire)

/* ACCESS finds the object as at_. __auto_type, because OBJECT may hold another of these: its at_ ends
 * before this one begins. The builtins are gcc's; clang's want the type named. */
#define ANNOTATED(object, order, access)                         \
	__extension__({                                          \
		__auto_type at_ = (object);                      \
		VALGRIND_HG_DISABLE_CHECKING(at_, sizeof(*at_)); \
		if (RELEASES(order))                             \
			ANNOTATE_HAPPENS_BEFORE(at_);            \
		__auto_type result_ = (access);                  \
		if (ACQUIRES(order))                             \
			ANNOTATE_HAPPENS_AFTER(at_);             \
		result_;                                         \
	})
#define STRONGEST memory_order_seq_cst

#define atomic_load_explicit(object, order) ANNOTATED(object, order, __atomic_load_n(at_, order))
#define atomic_load(object) atomic_load_explicit(object, STRONGEST)
#define atomic_store_explicit(object, value, order) \
	(void)ANNOTATED(object, order, (__atomic_store_n(at_, value, order), 0))
#define atomic_store(object, value) atomic_store_explicit(object, value, STRONGEST)
#define atomic_exchange(object, value) \
	ANNOTATED(object, STRONGEST, __atomic_exchange_n(at_, value, STRONGEST))
#define atomic_compare_exchange_strong(object, expected, value) \
	ANNOTATED(object, STRONGEST,                            \
	          __atomic_compare_exchange_n(at_, expected, value, 0, STRONGEST, STRONGEST))
#define atomic_fetch_add_explicit(object, value, order) \
	ANNOTATED(object, order, __atomic_fetch_add(at_, value, order))
#define atomic_fetch_sub_explicit(object, value, order) \
	ANNOTATED(object, order, __atomic_fetch_sub(at_, value, order))
#define atomic_fetch_add(object, value) atomic_fetch_add_explicit(object, value, STRONGEST)
#define atomic_fetch_and(object, value) \
	ANNOTATED(object, STRONGEST, __atomic_fetch_and(at_, value, STRONGEST))
#define atomic_fetch_or(object, value) \
	ANNOTATED(object, STRONGEST, __atomic_fetch_or(at_, value, STRONGEST))

/* What its readers check by the number of its changes. */
#define NUMBERED(memory, size) VALGRIND_HG_DISABLE_CHECKING(memory, size)

#endif
