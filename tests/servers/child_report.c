/* SPDX-License-Identifier: MIT */
/* Prints what a process inherits, in a form that is the same from one run to the next. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

enum { SIGNAL_COUNT = 64, FDS_MAX = 4096, VARIABLES_MAX = 4096 };

static void print_dispositions(void)
{
	for (int number = 1; number <= SIGNAL_COUNT; number++) {
		struct sigaction action;
		const char *name = "handler";

		/* libc keeps two or three of them for itself. */
		if (sigaction(number, NULL, &action) == -1)
			name = "reserved";
		else if (action.sa_handler == SIG_DFL)
			name = "DFL";
		else if (action.sa_handler == SIG_IGN)
			name = "IGN";
		printf("signal %d %s\n", number, name);
	}
}

static void print_blocked(void)
{
	sigset_t blocked;

	sigprocmask(SIG_SETMASK, NULL, &blocked);
	printf("blocked");
	for (int number = 1; number <= SIGNAL_COUNT; number++) {
		if (sigismember(&blocked, number) == 1)
			printf(" %d", number);
	}
	printf("\n");
}

/* Without 32 and 33, which libc keeps for itself: every parent with a thread catches 33, so that its
 * children find the default there, whatever the launcher had left (GNU parallel leaves both ignored). */
static void print_kernel_line(const char *line)
{
	static const unsigned long long libc_signals = 3ULL << 31;
	unsigned long long mask;
	char name[32];

	if (strncmp(line, "Threads:", 8) != 0 && sscanf(line, "%31s %llx", name, &mask) == 2)
		printf("kernel %s\t%016llx\n", name, mask & ~libc_signals);
	else
		printf("kernel %s", line);
}

/* The kernel's own view, which no interposed function can embellish. */
static void print_kernel_view(void)
{
	static const char *const wanted[] = {
		"SigPnd:", "ShdPnd:", "SigBlk:", "SigIgn:", "SigCgt:", "Threads:"};
	char line[256];
	FILE *status = fopen("/proc/self/status", "re");

	while (status && fgets(line, sizeof(line), status)) {
		for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
			if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
				print_kernel_line(line);
		}
	}
	if (status)
		fclose(status);
}

/* Prints TEXT with each run of digits replaced by one star. */
static void print_without_numbers(const char *text)
{
	while (*text) {
		size_t digits = strspn(text, "0123456789");
		putchar(digits ? '*' : *text);
		text += digits ? digits : 1;
	}
}

static int compare_ints(const void *left, const void *right)
{
	return *(const int *)left - *(const int *)right;
}

static int list_fds(int *ret_fds)
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;
	int count = 0;

	while (directory && (entry = readdir(directory)) != NULL) {
		int fd = atoi(entry->d_name);
		if (entry->d_name[0] != '.' && fd != dirfd(directory) && count < FDS_MAX)
			ret_fds[count++] = fd;
	}
	if (directory)
		closedir(directory);
	qsort(ret_fds, (size_t)count, sizeof(*ret_fds), compare_ints);
	return count;
}

/* Tells a listener from a connection. */
static void print_socket_kind(int fd)
{
	struct sockaddr_storage peer;
	socklen_t peer_len = sizeof(peer);
	int is_listening = 0;
	socklen_t len = sizeof(is_listening);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &len) == 0 && is_listening)
		printf(", listening");
	if (getpeername(fd, (struct sockaddr *)&peer, &peer_len) == 0)
		printf(", connected");
}

static void print_fds(void)
{
	static int fds[FDS_MAX];
	int count = list_fds(fds);

	for (int i = 0; i < count; i++) {
		char path[64];
		char target[4096];
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[i]);
		ssize_t len = readlink(path, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = '\0';
		printf("fd %d ", fds[i]);
		print_without_numbers(target);
		print_socket_kind(fds[i]);
		putchar('\n');
	}
}

static void print_umask(void)
{
	printf("umask %04o\n", (unsigned int)umask(0));
}

static int compare_strings(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static void print_environment(void)
{
	static char *found[VARIABLES_MAX];
	size_t count = 0;

	for (char **variable = environ; *variable && count < VARIABLES_MAX; variable++) {
		if (strncmp(*variable, "OCTOPUS_", 8) == 0 || strncmp(*variable, "LD_", 3) == 0)
			found[count++] = *variable;
	}
	qsort(found, count, sizeof(*found), compare_strings);
	for (size_t i = 0; i < count; i++)
		printf("env %s\n", found[i]);
}

int main(void)
{
	print_dispositions();
	print_blocked();
	print_kernel_view();
	print_fds();
	print_umask();
	print_environment();
	return 0;
}
