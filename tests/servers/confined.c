/* SPDX-License-Identifier: MIT */
/* Executes a command that may not make some system calls: a seccomp filter (seccomp(2)) answers them
 * with EPERM, as a container's profile does.
 * usage: confined CALL... -- COMMAND [ARGUMENT]...
 * CALL is one of the names in `calls`; `fork`, a clone() that makes a process and not a thread; or
 * `unix_socket`, a socket() of that family; or `passrights`, the setting of that socket option, which the
 * kernel then does not know. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_NOT_CONFINED = 125, EXIT_NOT_EXECUTED = 127, MOST_INSTRUCTIONS = 64 };

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* asm-generic/socket.h, Linux 6.16 */
#endif

#define FIELD(name) ((unsigned)offsetof(struct seccomp_data, name))

static const struct {
	const char *name;
	unsigned number;
} calls[] = {
	{"memfd_create", SYS_memfd_create},
	{"clone", SYS_clone},
	{"getdents64", SYS_getdents64},
	{"prlimit64", SYS_prlimit64},
	{"tgkill", SYS_tgkill},
	{"setpgid", SYS_setpgid},
	{"prctl", SYS_prctl},
	{"close_range", SYS_close_range},
};

static struct {
	struct sock_filter code[MOST_INSTRUCTIONS];
	unsigned short length;
} filter;

static void add(struct sock_filter instruction)
{
	if (filter.length == MOST_INSTRUCTIONS) {
		fputs("confined: too many calls\n", stderr);
		exit(EXIT_USAGE);
	}
	filter.code[filter.length++] = instruction;
}

static void answer_call(unsigned number, int error)
{
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error));
}

/* The flags are its first argument; a little-endian machine has their lower half first. */
static void forbid_processes(void)
{
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4));
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(args)));
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0));
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(nr)));
}

/* Of calls of NUMBER, those whose argument at INDEX is VALUE. */
static void forbid_argument(unsigned number, unsigned index, unsigned value, unsigned error)
{
	const unsigned at = FIELD(args) + index * (unsigned)sizeof(__u64);

	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4));
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at));
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error));
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(nr)));
}

static void forbid(const char *name)
{
	if (strcmp(name, "passrights") == 0) {
		forbid_argument(SYS_setsockopt, 2, SO_PASSRIGHTS, ENOPROTOOPT);
		return;
	}
	if (strcmp(name, "unix_socket") == 0) {
		forbid_argument(SYS_socket, 0, AF_UNIX, EAFNOSUPPORT);
		return;
	}
	if (strcmp(name, "fork") == 0) {
		forbid_processes();
		return;
	}
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(name, calls[i].name) == 0) {
			answer_call(calls[i].number, EPERM);
			return;
		}
	}
	fprintf(stderr, "confined: %s: unknown call\n", name);
	exit(EXIT_USAGE);
}

int main(int argc, char **argv)
{
	struct sock_fprog program = {.filter = filter.code};
	int at = 1;

	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(nr)));
	/* Its flags are behind a pointer, where no filter can look; libc then takes clone(). */
	answer_call(SYS_clone3, ENOSYS);
	for (; at < argc && strcmp(argv[at], "--") != 0; at++)
		forbid(argv[at]);
	if (at + 1 >= argc) {
		fputs("usage: confined CALL... -- COMMAND [ARGUMENT]...\n", stderr);
		return EXIT_USAGE;
	}
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	program.len = filter.length;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
		perror("confined");
		return EXIT_NOT_CONFINED;
	}
	execvp(argv[at + 1], argv + at + 1);
	perror(argv[at + 1]);
	return EXIT_NOT_EXECUTED;
}
