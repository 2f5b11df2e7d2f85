/* SPDX-License-Identifier: MIT */
/* What a filter does with a call, against the kernel: a child installs the filter, makes the call,
 * and tells the errno that it got.
 * Links: kernel/seccomp_filter.c
 */
#include "expect.h"
#include "kernel/seccomp_filter.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIELD(name) ((uint32_t)offsetof(struct seccomp_data, name))
#define ARGUMENT(i) (FIELD(args) + 8 * (i))
#define LOAD(at) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define ALU(op, k) BPF_STMT(BPF_ALU | (op) | BPF_K, k)
#define ALU_X(op) BPF_STMT(BPF_ALU | (op) | BPF_X, 0)
#define RETURN(k) BPF_STMT(BPF_RET | BPF_K, k)
#define FAIL(error) RETURN(SECCOMP_RET_ERRNO | (error))
/* Fails with the accumulator as the errno, which is at most 4095 (seccomp(2)). */
#define FAIL_WITH_A \
	ALU(BPF_AND, 0xfff), ALU(BPF_OR, SECCOMP_RET_ERRNO), BPF_STMT(BPF_RET | BPF_A, 0)
#define OTHERS_PASS                                                              \
	LOAD(FIELD(nr)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0), \
		RETURN(SECCOMP_RET_ALLOW)

static const uint64_t arguments[6] = {77, 0x100000005, 3, 0xfffffff0, 0, 21};

/* Returns the errno of getppid() under PROGRAM, or 0. */
static int ask_kernel(const struct sock_fprog *program)
{
	const uint64_t *a = arguments;
	const pid_t child = fork();
	int status = 0;

	if (child == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) != 0)
			_exit(255);
		errno = 0;
		(void)syscall(SYS_getppid, a[0], a[1], a[2], a[3], a[4], a[5]);
		_exit(errno);
	}
	(void)waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

static int ask_ours(const struct sock_fprog *program)
{
	struct seccomp_data data = {.nr = SYS_getppid};
	uint32_t action;

	memcpy(data.args, arguments, sizeof(data.args));
	action = seccomp_filter_run(program, &data);
	if ((action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
		return (int)(action & SECCOMP_RET_DATA);
	return action == SECCOMP_RET_ALLOW ? 0 : -1;
}

#define CHECK(wanted, ...)                                                                   \
	do {                                                                                 \
		struct sock_filter steps[] = {OTHERS_PASS, __VA_ARGS__};                     \
		const struct sock_fprog program = {sizeof(steps) / sizeof(steps[0]), steps}; \
		expect_number("ours: " #__VA_ARGS__, ask_ours(&program), wanted);            \
		expect_number("kernel: " #__VA_ARGS__, ask_kernel(&program), wanted);        \
	} while (0)

static void check_loads(void)
{
	CHECK(0, RETURN(SECCOMP_RET_ALLOW));
	CHECK(13, FAIL(13));
	CHECK(77, LOAD(ARGUMENT(0)), FAIL_WITH_A);
	CHECK(5, LOAD(ARGUMENT(1)), FAIL_WITH_A);
	CHECK(1, LOAD(ARGUMENT(1) + 4), FAIL_WITH_A);
	CHECK(64, BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), FAIL_WITH_A);
	CHECK(9, BPF_STMT(BPF_LD | BPF_IMM, 9), FAIL_WITH_A);
	CHECK(9, BPF_STMT(BPF_LDX | BPF_IMM, 9), BPF_STMT(BPF_MISC | BPF_TXA, 0), FAIL_WITH_A);
	CHECK(77, LOAD(ARGUMENT(0)), BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LD | BPF_IMM, 9),
	      BPF_STMT(BPF_LD | BPF_MEM, 3), FAIL_WITH_A);
	CHECK(21, LOAD(ARGUMENT(5)), BPF_STMT(BPF_MISC | BPF_TAX, 0), BPF_STMT(BPF_STX, 15),
	      BPF_STMT(BPF_LDX | BPF_MEM, 15), BPF_STMT(BPF_MISC | BPF_TXA, 0), FAIL_WITH_A);
}

static void check_arithmetic(void)
{
	CHECK(80, LOAD(ARGUMENT(0)), ALU(BPF_ADD, 3), FAIL_WITH_A);
	CHECK(74, LOAD(ARGUMENT(0)), ALU(BPF_SUB, 3), FAIL_WITH_A);
	CHECK(231, LOAD(ARGUMENT(0)), ALU(BPF_MUL, 3), FAIL_WITH_A);
	CHECK(25, LOAD(ARGUMENT(0)), ALU(BPF_DIV, 3), FAIL_WITH_A);
	CHECK(72, LOAD(ARGUMENT(0)), ALU(BPF_AND, 0xf8), FAIL_WITH_A);
	CHECK(95, LOAD(ARGUMENT(0)), ALU(BPF_OR, 0x1f), FAIL_WITH_A);
	CHECK(78, LOAD(ARGUMENT(0)), ALU(BPF_XOR, 3), FAIL_WITH_A);
	CHECK(154, LOAD(ARGUMENT(0)), ALU(BPF_LSH, 1), FAIL_WITH_A);
	CHECK(19, LOAD(ARGUMENT(0)), ALU(BPF_RSH, 2), FAIL_WITH_A);
	CHECK(16, LOAD(ARGUMENT(3)), BPF_STMT(BPF_ALU | BPF_NEG, 0), FAIL_WITH_A);
	CHECK(25, LOAD(ARGUMENT(2)), BPF_STMT(BPF_MISC | BPF_TAX, 0), LOAD(ARGUMENT(0)),
	      ALU_X(BPF_DIV), FAIL_WITH_A);
}

static void check_jumps(void)
{
	CHECK(2, BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), FAIL(1), FAIL(2));
	CHECK(1, LOAD(ARGUMENT(0)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 77, 0, 1), FAIL(1),
	      FAIL(2));
	CHECK(2, LOAD(ARGUMENT(0)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 78, 0, 1), FAIL(1),
	      FAIL(2));
	CHECK(2, LOAD(ARGUMENT(0)), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 77, 0, 1), FAIL(1),
	      FAIL(2));
	CHECK(1, LOAD(ARGUMENT(0)), BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 77, 0, 1), FAIL(1),
	      FAIL(2));
	CHECK(1, LOAD(ARGUMENT(0)), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 5, 0, 1), FAIL(1),
	      FAIL(2));
	CHECK(2, LOAD(ARGUMENT(0)), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 2, 0, 1), FAIL(1),
	      FAIL(2));
	/* Comparisons are unsigned. */
	CHECK(1, LOAD(ARGUMENT(3)), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 1, 0, 1), FAIL(1), FAIL(2));
	CHECK(1, LOAD(ARGUMENT(0)), BPF_STMT(BPF_MISC | BPF_TAX, 0),
	      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1), FAIL(1), FAIL(2));
}

int main(void)
{
	check_loads();
	check_arithmetic();
	check_jumps();
	return expect_status();
}
