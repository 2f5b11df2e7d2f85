/* SPDX-License-Identifier: MIT */
#include "base/signal_names.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/signal_set.h"
#include "base/text.h"

static const struct {
	const char *name;
	const char *text;
	int sig;
} signal_names[] = {
	{"HUP", "hangup", SIGHUP},
	{"INT", "interrupt", SIGINT},
	{"QUIT", "quit", SIGQUIT},
	{"USR1", "user defined signal 1", SIGUSR1},
	{"USR2", "user defined signal 2", SIGUSR2},
	{"TERM", "terminated", SIGTERM},
	{"ALRM", "alarm clock", SIGALRM},
	{"CHLD", "child exited", SIGCHLD},
	{"CONT", "continued", SIGCONT},
	{"WINCH", "window changed", SIGWINCH},
	{"URG", "urgent I/O condition", SIGURG},
	{"PIPE", "broken pipe", SIGPIPE},
	{"IO", "I/O possible", SIGIO},
	{"PWR", "power failure", SIGPWR},
	{"VTALRM", "virtual timer expired", SIGVTALRM},
	{"PROF", "profiling timer expired", SIGPROF},
	{"TSTP", "stopped", SIGTSTP},
	{"TTIN", "stopped (tty input)", SIGTTIN},
	{"TTOU", "stopped (tty output)", SIGTTOU},
	{"ABRT", "aborted", SIGABRT},
	{"SEGV", "segmentation fault", SIGSEGV},
	{"BUS", "bus error", SIGBUS},
	{"ILL", "illegal instruction", SIGILL},
	{"FPE", "floating point exception", SIGFPE},
	{"TRAP", "trace/breakpoint trap", SIGTRAP},
	{"SYS", "bad system call", SIGSYS},
	{"XCPU", "cpu time limit exceeded", SIGXCPU},
	{"XFSZ", "file size limit exceeded", SIGXFSZ},
	{"STKFLT", "stack fault", SIGSTKFLT},
	{"KILL", "killed", SIGKILL},
};

#define SIGNAL_NAMES (sizeof(signal_names) / sizeof(signal_names[0]))

const char *signal_text(int sig)
{
	for (size_t i = 0; i < SIGNAL_NAMES; i++) {
		if (signal_names[i].sig == sig)
			return signal_names[i].text;
	}
	return "another signal";
}

const char *signal_name(int sig)
{
	for (size_t i = 0; i < SIGNAL_NAMES; i++) {
		if (signal_names[i].sig == sig)
			return signal_names[i].name;
	}
	return "?";
}

int signal_parse(const char *text, int length)
{
	const char *at = text;
	uint64_t number;

	if (length > 3 && strncmp(text, "SIG", 3) == 0) {
		text += 3;
		length -= 3;
	}
	for (size_t i = 0; i < SIGNAL_NAMES; i++) {
		if ((int)strlen(signal_names[i].name) == length &&
		    strncmp(text, signal_names[i].name, (size_t)length) == 0)
			return signal_names[i].sig;
	}
	if (text_read_number(&at, 10, &number) == 0 && at == text + length && number >= 1 &&
	    number <= SIGNAL_LAST)
		return (int)number;
	return -EINVAL;
}
