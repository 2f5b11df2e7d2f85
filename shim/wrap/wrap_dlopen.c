/* SPDX-License-Identifier: MIT */
/* Wraps dlopen. A library that is opened with RTLD_DEEPBIND, as PHP opens its extensions, finds
 * libc's listen() before ours, and its server would never be seen. Its own functions and those of
 * the libraries that it brings still come first; only what it has bound to libc comes to us. */
#include "base/interpose.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/rebind.h"
#include "base/secure_mode.h"

#ifdef RTLD_DEEPBIND
static const struct wrapper {
	const char *name;
	void *first;   /* definition in the order of loading */
	size_t offset; /* of the real function in libc_calls */
} wrappers[] = {
#define X(name) {#name, (void *)(name), offsetof(struct libc_calls, name)},
	INTERPOSED(X)
#undef X
};

/* What is bound to libc would be bound to the first definition of the name without RTLD_DEEPBIND.
 * That is ours, or that of a library which is preloaded before us: in a shared library the address
 * of an exported function is the first definition's, too. */
static void *choose_wrapper(const char *name, const void *bound)
{
	for (size_t i = 0; i < sizeof(wrappers) / sizeof(wrappers[0]); i++) {
		const struct wrapper *wrapper = &wrappers[i];
		const void *real = *(void *const *)((const char *)&libc_calls + wrapper->offset);

		if (strcmp(wrapper->name, name) == 0)
			return !bound || bound == real ? wrapper->first : NULL;
	}
	return NULL;
}

static void *open_deep(const char *file, int mode)
{
	void *handle = libc_calls.dlopen(file, mode);

	if (handle)
		rebind_all(choose_wrapper);
	return handle;
}

/* dlopen(3) looks at its caller for a name that is to be searched for, or that refers to the
 * caller's directory ($ORIGIN). */
static bool depends_on_caller(const char *file)
{
	return !file || !strchr(file, '/') || strchr(file, '$');
}
#endif

typedef void *opener(const char *file, int mode);

/* Returns the function to which dlopen() passes its call on. The assembler below calls it. */
__attribute__((used)) static opener *wrap_dlopen_choose(const char *file, int mode)
{
	libc_calls_ensure();
#ifdef RTLD_DEEPBIND
	if (mode & RTLD_DEEPBIND && !secure_mode_is_on() && !depends_on_caller(file))
		return open_deep;
#endif
	(void)file, (void)mode;
	return libc_calls.dlopen;
}

/* A jump, so that the real dlopen() returns to the caller and looks at it, and not at us. */
#if defined(__x86_64__)
__asm__(".pushsection .text.dlopen, \"ax\", @progbits\n"
        ".globl dlopen\n"
        ".type dlopen, @function\n"
        "dlopen:\n"
        "	.cfi_startproc\n"
        "	pushq %rdi\n"
        "	.cfi_adjust_cfa_offset 8\n"
        "	pushq %rsi\n"
        "	.cfi_adjust_cfa_offset 8\n"
        "	subq $8, %rsp\n"
        "	.cfi_adjust_cfa_offset 8\n"
        "	call wrap_dlopen_choose\n"
        "	addq $8, %rsp\n"
        "	.cfi_adjust_cfa_offset -8\n"
        "	popq %rsi\n"
        "	.cfi_adjust_cfa_offset -8\n"
        "	popq %rdi\n"
        "	.cfi_adjust_cfa_offset -8\n"
        "	jmp *%rax\n"
        "	.cfi_endproc\n"
        ".size dlopen, .-dlopen\n"
        ".popsection\n");
#elif defined(__aarch64__)
__asm__(".pushsection .text.dlopen, \"ax\", @progbits\n"
        ".globl dlopen\n"
        ".type dlopen, @function\n"
        "dlopen:\n"
        "	.cfi_startproc\n"
        "	stp x29, x30, [sp, -32]!\n"
        "	.cfi_adjust_cfa_offset 32\n"
        "	.cfi_rel_offset x29, 0\n"
        "	.cfi_rel_offset x30, 8\n"
        "	stp x0, x1, [sp, 16]\n"
        "	bl wrap_dlopen_choose\n"
        "	mov x16, x0\n"
        "	ldp x0, x1, [sp, 16]\n"
        "	ldp x29, x30, [sp], 32\n"
        "	.cfi_adjust_cfa_offset -32\n"
        "	.cfi_restore x29\n"
        "	.cfi_restore x30\n"
        "	br x16\n"
        "	.cfi_endproc\n"
        ".size dlopen, .-dlopen\n"
        ".popsection\n");
#else
#error "dlopen: add this architecture's jump"
#endif
