/* SPDX-License-Identifier: MIT */
/* Sets and waits for signals as its arguments say, one step after another, and reports on stdout, with
 * its process id before each line, what it reads back and what comes. With and without the library the
 * reports must be the same.
 *
 *   listen               listens; `serve` then answers in a thread that has the mask of this moment
 *   signal=SIG           a handler by signal(3); likewise bsd_signal, ssignal, sysv_signal, sigset
 *   ignore=SIG default=SIG sigignore=SIG hold=SIG
 *   sigaction=SIG:FLAG,...   flags restart siginfo resethand nodefer onstack, and mask_SIG
 *   siginterrupt=SIG uninterrupt=SIG
 *   then=WHAT            what the handlers do: note (default), exit, reraise, group
 *   block=SIGS unblock=SIGS set=SIGS     set: for the waits
 *   signalfd=SIGS        moved_signalfd=SIGS then moves it to another number
 *   shell=COMMAND        runs it by system(3)
 *   own=WAY:SIG          sends itself a signal (own_signals.h)
 *   read                 reports every disposition and the mask; mask, the mask alone
 *   wait=WAY             until a signal has come, then exits with 7 (signal_waits.c) */
#include "conversation.h"
#include "listeners.h"
#include "own_signals.h"
#include "signal_waits.h"
#include "signal_words.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Deprecated, and used. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

enum { EXIT_OWN = 7 };

/* Not in the headers any more, and exported. */
void (*bsd_signal(int sig, void (*handler)(int)))(int);
void (*__sysv_signal(int sig, void (*handler)(int)))(int);
void (*ssignal(int sig, void (*handler)(int)))(int);

static struct signal_wait ways = {.listener_fd = -1, .pipe_fd = -1, .signal_fd = -1};
static int pipe_in_fd = -1;
static volatile sig_atomic_t got_signal;
static enum { THEN_NOTE, THEN_EXIT, THEN_RERAISE, THEN_GROUP } then;
static char alternate_stack[65536];
static struct server_options options;
static struct listeners listeners;

/* What a handler can see of how it was set: the mask, its stack, what is in force now. */
static void report_circumstances(struct report_line *line, int sig)
{
	const char *here = (const char *)line;
	struct sigaction present;
	sigset_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	sigaction(sig, NULL, &present);
	report_add(line, " blocked ");
	report_add_set(line, &mask);
	if (here >= alternate_stack && here < alternate_stack + sizeof(alternate_stack))
		report_add(line, " alternate");
	if (present.sa_handler == SIG_DFL)
		report_add(line, " reset");
}

static void go_on(int sig)
{
	got_signal = 1;
	if (write(pipe_in_fd, "", 1) < 0)
		_exit(3);
	if (then == THEN_EXIT)
		_exit(EXIT_OWN);
	if (then == THEN_RERAISE) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	if (then == THEN_GROUP) {
		signal(sig, SIG_IGN);
		kill(0, sig);
	}
}

static void on_plain(int sig)
{
	struct report_line line;

	report_begin(&line);
	report_add(&line, "handler ");
	report_add(&line, signal_word(sig));
	report_circumstances(&line, sig);
	report_end(&line);
	go_on(sig);
}

static void on_info(int sig, siginfo_t *info, void *context)
{
	struct report_line line;

	report_begin(&line);
	report_add(&line, "info handler ");
	report_add(&line, signal_word(sig));
	report_add(&line, " ");
	report_add(&line, signal_code_word(info->si_code));
	report_add(&line, context ? "" : " no context");
	report_circumstances(&line, sig);
	report_end(&line);
	go_on(sig);
}

static const char *handler_word(void (*handler)(int))
{
	if (handler == SIG_DFL)
		return "default";
	if (handler == SIG_IGN)
		return "ignore";
	if (handler == SIG_HOLD)
		return "hold";
	if (handler == SIG_ERR)
		return "error";
	if (handler == on_plain)
		return "plain";
	return handler == (void (*)(int))(void *)on_info ? "info" : "?";
}

static const struct {
	const char *word;
	int flag;
} flags[] = {
	{"restart", SA_RESTART}, {"siginfo", SA_SIGINFO}, {"resethand", (int)SA_RESETHAND},
	{"nodefer", SA_NODEFER}, {"onstack", SA_ONSTACK}, {"nocldstop", SA_NOCLDSTOP},
};

enum { FLAGS = sizeof(flags) / sizeof(flags[0]) };

static void report_disposition(struct report_line *line, int sig, const struct sigaction *action)
{
	int rest = action->sa_flags & ~0x04000000; /* the kernel's SA_RESTORER, which is libc's */

	report_add(line, " ");
	report_add(line, signal_word(sig));
	report_add(line, " ");
	report_add(line, handler_word(action->sa_handler));
	for (int i = 0; i < FLAGS; i++) {
		if (!(rest & flags[i].flag))
			continue;
		rest &= ~flags[i].flag;
		report_add(line, " ");
		report_add(line, flags[i].word);
	}
	if (rest) {
		report_add(line, " ");
		report_add_number(line, rest);
	}
	report_add(line, " mask ");
	report_add_set(line, &action->sa_mask);
}

static void report_mask(void)
{
	struct report_line line;
	sigset_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	report_begin(&line);
	report_add(&line, "reads mask ");
	report_add_set(&line, &mask);
	report_end(&line);
}

static void report_all(void)
{
	static const int all[] = {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGCHLD};
	struct report_line line;
	struct sigaction action;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		report_begin(&line);
		report_add(&line, "reads");
		if (sigaction(all[i], NULL, &action) != 0)
			exit(3);
		report_disposition(&line, all[i], &action);
		report_end(&line);
	}
	report_mask();
}

static void set_by_sigaction(char *argument)
{
	struct sigaction action = {.sa_handler = on_plain}, old;
	struct report_line line;
	char *rest = NULL;
	int sig = signal_parse(strtok_r(argument, ":", &rest));

	sigemptyset(&action.sa_mask);
	for (char *word; (word = strtok_r(NULL, ",", &rest));) {
		if (strncmp(word, "mask_", 5) == 0)
			sigaddset(&action.sa_mask, signal_parse(word + 5));
		for (int i = 0; i < FLAGS; i++) {
			if (strcmp(word, flags[i].word) == 0)
				action.sa_flags |= flags[i].flag;
		}
	}
	if (action.sa_flags & SA_SIGINFO)
		action.sa_sigaction = on_info;
	if (sigaction(sig, &action, &old) != 0)
		exit(3);
	report_begin(&line);
	report_add(&line, "had");
	report_disposition(&line, sig, &old);
	report_end(&line);
}

/* Returns false if VERB is none of the calls that take a handler. */
static bool set_by_signal(const char *verb, const char *argument)
{
	static const struct {
		const char *verb;
		void (*(*set)(int, void (*)(int)))(int);
		void (*handler)(int);
	} calls[] = {
		{"signal", signal, on_plain},
		{"bsd_signal", bsd_signal, on_plain},
		{"ssignal", ssignal, on_plain},
		{"sysv_signal", sysv_signal, on_plain},
		{"__sysv_signal", __sysv_signal, on_plain},
		{"sigset", sigset, on_plain},
		{"hold", sigset, SIG_HOLD},
		{"ignore", signal, SIG_IGN},
		{"default", signal, SIG_DFL},
	};
	struct report_line line;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(calls[i].verb, verb) != 0)
			continue;
		report_begin(&line);
		report_add(&line, verb);
		report_add(&line, " had ");
		report_add(&line,
		           handler_word(calls[i].set(signal_parse(argument), calls[i].handler)));
		report_end(&line);
		return true;
	}
	return false;
}

static void change_mask(int how, const char *argument)
{
	sigset_t set;

	signal_set_parse(argument, &set);
	if (pthread_sigmask(how, &set, NULL) != 0)
		exit(3);
}

static void make_signalfd(const char *argument, bool is_moved)
{
	sigset_t set;

	signal_set_parse(argument, &set);
	ways.signal_fd = signalfd(ways.signal_fd, &set, SFD_CLOEXEC);
	if (ways.signal_fd == -1)
		exit(3);
	if (is_moved) {
		int moved = fcntl(ways.signal_fd, F_DUPFD_CLOEXEC, 100);

		close(ways.signal_fd);
		ways.signal_fd = moved;
	}
}

static void *serve(void *unused)
{
	(void)unused;
	for (;;) {
		int fd = listeners_accept(listeners.fds[0], SOCK_CLOEXEC);

		if (fd != -1)
			conversation_serve_fd(fd, true);
	}
	return NULL;
}

static void start_serving(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, serve, NULL) != 0)
		exit(3);
}

static void choose_then(const char *argument)
{
	if (strcmp(argument, "exit") == 0)
		then = THEN_EXIT;
	else if (strcmp(argument, "reraise") == 0)
		then = THEN_RERAISE;
	else if (strcmp(argument, "group") == 0)
		then = THEN_GROUP;
	else
		then = THEN_NOTE;
}

static void wait_and_exit(const char *way)
{
	struct report_line line;
	bool has_come = false;

	report_begin(&line);
	report_add(&line, "waits");
	report_end(&line);
	do
		has_come = signal_wait_once(way, &ways);
	while (!has_come && !got_signal);
	exit(EXIT_OWN);
}

static void step(const char *verb, char *argument)
{
	if (strcmp(verb, "listen") == 0) {
		listeners_open(&options, false, &listeners);
		ways.listener_fd = listeners.fds[0];
	} else if (strcmp(verb, "serve") == 0) {
		start_serving();
	} else if (strcmp(verb, "sigaction") == 0) {
		set_by_sigaction(argument);
	} else if (strcmp(verb, "shell") == 0) {
		if (system(argument) != 0)
			exit(3);
	} else if (strcmp(verb, "own") == 0) {
		own_signal_send(argument);
	} else if (strcmp(verb, "sigignore") == 0) {
		(void)sigignore(signal_parse(argument));
	} else if (strcmp(verb, "siginterrupt") == 0) {
		(void)siginterrupt(signal_parse(argument), 1);
	} else if (strcmp(verb, "uninterrupt") == 0) {
		(void)siginterrupt(signal_parse(argument), 0);
	} else if (strcmp(verb, "then") == 0) {
		choose_then(argument);
	} else if (strcmp(verb, "block") == 0) {
		change_mask(SIG_BLOCK, argument);
	} else if (strcmp(verb, "unblock") == 0) {
		change_mask(SIG_UNBLOCK, argument);
	} else if (strcmp(verb, "set") == 0) {
		signal_set_parse(argument, &ways.set);
	} else if (strcmp(verb, "signalfd") == 0) {
		make_signalfd(argument, false);
	} else if (strcmp(verb, "moved_signalfd") == 0) {
		make_signalfd(argument, true);
	} else if (strcmp(verb, "read") == 0) {
		report_all();
	} else if (strcmp(verb, "mask") == 0) {
		report_mask();
	} else if (strcmp(verb, "wait") == 0) {
		wait_and_exit(argument);
	} else if (!set_by_signal(verb, argument)) {
		fprintf(stderr, "unknown step: %s\n", verb);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	const stack_t stack = {.ss_sp = alternate_stack, .ss_size = sizeof(alternate_stack)};
	int ends[2];

	server_options_parse(argc, argv, &options);
	if (pipe2(ends, O_CLOEXEC) == -1 || sigaltstack(&stack, NULL) == -1)
		return 3;
	ways.pipe_fd = ends[0];
	pipe_in_fd = ends[1];
	sigemptyset(&ways.set);
	for (int i = optind; i < argc; i++) {
		char *argument = strchr(argv[i], '=');
		char verb[32];

		snprintf(verb, sizeof(verb), "%.*s", (int)strcspn(argv[i], "="), argv[i]);
		/* argv stays whole: the next generation is started with it. */
		step(verb, argument ? strdup(argument + 1) : NULL);
	}
	return 3;
}
