/* SPDX-License-Identifier: MIT */
/* Wraps vfork, so that what its child does with its own descriptors is not taken for what the server
 * does with the same numbers.
 *
 * The child runs on the parent's stack and returns first, so the return address must not lie there
 * when the parent returns (glibc keeps it in a register, too). Both then jump to a function in C,
 * which returns in vfork()'s place. */
#include "kernel/vfork_child.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include "base/interpose.h"

__thread int vfork_child_depth;

#if VFORK_IS_SEEN
/* The assembler calls it. RESULT is the kernel's: 0 in the child, -errno if there is none. */
static __attribute__((used)) pid_t vfork_returns(long result)
{
	if (result == 0) {
		vfork_child_depth++;
		return 0;
	}
	if (result < 0) {
		errno = (int)-result;
		return -1;
	}
	/* Where the kernel has copied the memory after all (valgrind), nothing was counted here. */
	if (vfork_child_depth > 0)
		vfork_child_depth--;
	return (pid_t)result;
}

#ifdef __x86_64__
_Static_assert(SYS_vfork == 58, "the number below");
/* The kernel keeps all registers but rax, rcx and r11 (syscall(2)). */
__asm__(".pushsection .text\n"
        ".globl vfork\n"
        ".type vfork, @function\n"
        "vfork:\n"
        ".cfi_startproc\n"
        "	popq %rdx\n"
        ".cfi_adjust_cfa_offset -8\n"
        ".cfi_register %rip, %rdx\n"
        "	movl $58, %eax\n"
        "	syscall\n"
        "	pushq %rdx\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_offset %rip, -8\n"
        "	movq %rax, %rdi\n"
        "	jmp vfork_returns\n"
        ".cfi_endproc\n"
        ".size vfork, .-vfork\n"
        ".popsection\n");
#else
/* There is clone(2) only, here without a stack of its own. The return address is in x30. */
_Static_assert(SYS_clone == 220 && SIGCHLD == 17 && (CLONE_VM | CLONE_VFORK | SIGCHLD) == 0x4111,
               "the numbers below");
__asm__(".pushsection .text\n"
        ".globl vfork\n"
        ".type vfork, %function\n"
        "vfork:\n"
        ".cfi_startproc\n"
        "	mov x0, #0x4111\n"
        "	mov x1, #0\n"
        "	mov x8, #220\n"
        "	svc #0\n"
        "	b vfork_returns\n"
        ".cfi_endproc\n"
        ".size vfork, .-vfork\n"
        ".popsection\n");
#endif
#endif
