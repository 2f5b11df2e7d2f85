/* SPDX-License-Identifier: MIT */
/* A master that only conducts, and two workers that accept and answer. Reports on stdout, with its
 * process id before each line, what each of them gets.
 *
 * The master: TERM ends the workers, and then itself with 7; WINCH sends them USR1; QUIT sends them
 * TERM and starts new ones. A worker ends at once at a TERM, whatever it is doing; INT it leaves as it
 * is. The argument may be:
 *   group     the master's TERM goes to its whole process group, as apache's does
 *   stay      TERM ends neither master nor worker
 *   signalfd  the workers hear TERM and USR1 by a signalfd that the master made before it forked */
#include "conversation.h"
#include "listeners.h"
#include "signal_words.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 2, EXIT_OWN = 7 };

static struct listeners listeners;
static pid_t workers[WORKERS];
static bool has_group_habit, has_stay_habit;
static int signal_fd = -1;
static volatile sig_atomic_t got[65];

static void report_signal(const char *who, int sig, const char *code)
{
	struct report_line line;

	report_begin(&line);
	report_add(&line, who);
	report_add(&line, " got ");
	report_add(&line, signal_word(sig));
	report_add(&line, " ");
	report_add(&line, code);
	report_end(&line);
}

static void on_master_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (sig != SIGCHLD)
		report_signal("master", sig, signal_code_word(info->si_code));
	got[sig] = 1;
}

static void on_worker_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	report_signal("worker", sig, signal_code_word(info->si_code));
	if (sig == SIGTERM && !has_stay_habit)
		_exit(0);
}

static void catch (int sig, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};

	sigfillset(&action.sa_mask);
	sigaction(sig, &action, NULL);
}

static void read_signal_fd(void)
{
	struct signalfd_siginfo info;

	if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	report_signal("worker", (int)info.ssi_signo, signal_code_word(info.ssi_code));
	if (info.ssi_signo == SIGTERM)
		_exit(0);
}

static void serve_with_signal_fd(void)
{
	struct pollfd watched[] = {
		{.fd = signal_fd, .events = POLLIN},
		{.fd = listeners.fds[0], .events = POLLIN},
	};

	for (;;) {
		if (poll(watched, 2, -1) < 0)
			continue;
		if (watched[0].revents)
			read_signal_fd();
		int fd = watched[1].revents ? listeners_accept(listeners.fds[0], 0) : -1;
		if (fd != -1) /* else the other worker was faster */
			conversation_serve_fd(fd, true);
	}
}

static void be_worker(void)
{
	sigset_t none;

	signal(SIGCHLD, SIG_DFL);
	signal(SIGWINCH, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	if (signal_fd >= 0)
		serve_with_signal_fd();
	catch (SIGTERM, on_worker_signal);
	catch (SIGUSR1, on_worker_signal);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (;;) {
		int fd = listeners_accept(listeners.fds[0], 0);

		if (fd != -1)
			conversation_serve_fd(fd, true);
	}
}

static void start_missing_workers(void)
{
	for (int i = 0; i < WORKERS; i++) {
		if (workers[i])
			continue;
		workers[i] = fork();
		if (workers[i] == 0)
			be_worker();
		if (workers[i] < 0) {
			perror("fork");
			exit(1);
		}
		printf("%d started worker %d\n", getpid(), workers[i]);
		fflush(stdout);
	}
}

static void reap(int flags)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, flags)) > 0) {
		for (int i = 0; i < WORKERS; i++) {
			if (workers[i] == pid)
				workers[i] = 0;
		}
	}
}

static void send_workers(int sig)
{
	for (int i = 0; i < WORKERS; i++) {
		if (workers[i] > 0)
			kill(workers[i], sig);
	}
}

static void stop(void)
{
	if (has_group_habit) {
		signal(SIGTERM, SIG_IGN);
		kill(0, SIGTERM);
	} else {
		send_workers(SIGTERM);
	}
	reap(0);
	exit(EXIT_OWN);
}

static bool take(int sig)
{
	const bool has_come = got[sig];

	got[sig] = 0;
	return has_come;
}

static void conduct(const sigset_t *outside)
{
	for (;;) {
		sigsuspend(outside);
		if (take(SIGTERM) && !has_stay_habit)
			stop();
		if (take(SIGWINCH))
			send_workers(SIGUSR1);
		if (take(SIGQUIT))
			send_workers(SIGTERM);
		if (take(SIGCHLD)) {
			reap(WNOHANG);
			start_missing_workers();
		}
	}
}

int main(int argc, char **argv)
{
	struct server_options options;
	sigset_t ours, outside;
	bool hears_by_fd;

	server_options_parse(argc, argv, &options);
	has_group_habit = options.argument && strcmp(options.argument, "group") == 0;
	has_stay_habit = options.argument && strcmp(options.argument, "stay") == 0;
	signal_set_parse("TERM,USR1,CHLD,QUIT", &ours);
	sigaddset(&ours, SIGWINCH);
	sigprocmask(SIG_BLOCK, &ours, &outside);
	catch (SIGTERM, on_master_signal);
	catch (SIGCHLD, on_master_signal);
	catch (SIGQUIT, on_master_signal);
	catch (SIGWINCH, on_master_signal);
	hears_by_fd = options.argument && strcmp(options.argument, "signalfd") == 0;
	listeners_open(&options, hears_by_fd, &listeners);
	if (hears_by_fd) {
		sigset_t heard;

		signal_set_parse("TERM,USR1", &heard);
		signal_fd = signalfd(-1, &heard, SFD_CLOEXEC);
	}
	start_missing_workers();
	conduct(&outside);
}
