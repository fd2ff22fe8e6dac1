/* SPDX-License-Identifier: ISC */
/*
 * hook.c and hook_command.c with real shells: what they are told, what comes
 * of their output, and every way in which they end.
 * NEEDS: supervisor/hook supervisor/hook_command supervisor/child supervisor/record supervisor/outer_event
 */
#include "hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "hook_command.h"
#include "supervisor.h"

static char directory[] = "/tmp/natter-hook-XXXXXX";
static struct service web;
static int gate; /* each line written here lets one `read` of a hook go on */
static int running;

static void
on_child(evutil_socket_t fd, short what, void *context)
{
	int status;
	pid_t pid;

	(void)fd, (void)what, (void)context;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (hooks_reaped(pid, status))
			running--;
}

static struct hook *
run(const char *command)
{
	struct hook *h = hook_new(base, &web, command, directory);

	log_clear();
	running++;
	hook_update(h);
	return h;
}

static void
run_to_end(const char *command)
{
	struct hook *h = run(command);

	RUN_UNTIL(running == 0);
	hook_free(h);
}

static void
open_gate(void)
{
	CHECK(write(gate, "\n", 1) == 1);
}

static void
check_nothing_runs(void)
{
	CHECK(running == 0);
	CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

static void
set_outer(const char *text)
{
	web.report.outer = addr_of(text);
}

static void
check_expansion(const char *command, const char *wanted)
{
	char *text = hook_command_expand(command, &web);

	CHECK_TEXT(text, wanted);
	free(text);
}

static void
test_expansion(void)
{
	check_expansion("{protocol} {inner_ip} {inner_port} {outer_ip} {outer_port}",
	    "tcp 10.0.0.5 80 203.0.113.7 40123");
	check_expansion("{name}{inner}{outer}{target}{bind}",
	    "web10.0.0.5:80203.0.113.7:4012310.0.0.5:800.0.0.0:5000");
	check_expansion("a{}b{ name}{nosuch}{name", "a{}b{ name}{nosuch}{name");
	check_expansion("{{name}}", "{web}");
	check_expansion("${name} \"$name\" {name}", "${name} \"$name\" web");
	check_expansion("{error}", "{error}"); /* a sentence is for the environment only */
	check_expansion("{a_name_that_is_longer_than_any_field_could_be}",
	    "{a_name_that_is_longer_than_any_field_could_be}");
	check_expansion("", "");
}

static void
test_value_that_is_no_word(void)
{
	log_clear();
	strlcpy(web.mapping.name, "a;b", sizeof(web.mapping.name));
	check_expansion("echo {name} {protocol}", "echo  tcp");
	CHECK(log_has("{name} is left empty: a bug"));
	strlcpy(web.mapping.name, "web", sizeof(web.mapping.name));
}

static void
test_what_it_is_told(void)
{
	run_to_end("echo at {outer} $NATTER_OUTER_IP/$NATTER_STATE/$NATTER_ERROR; echo in $PWD; echo err >&2");
	CHECK(log_has("web: hook: at 203.0.113.7:40123 203.0.113.7/open/\n"));
	CHECK(log_has("web: hook: in /tmp/natter-hook-"));
	CHECK(log_has("web: hook: err\n"));
	CHECK(getenv("NATTER_OUTER_IP") == NULL);
	CHECK(!log_has("failed"));
}

/* No input, no descriptors, no ignored and no blocked signals of ours. */
static void
test_cut_off(void)
{
	sigset_t term_signal, old;

	CHECK(dup2(gate, 50) == 50);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&term_signal);
	sigaddset(&term_signal, SIGTERM);
	sigprocmask(SIG_BLOCK, &term_signal, &old);
	run_to_end("cat; [ -e /proc/$$/fd/50 ] && echo leaked; "
		   "(kill -PIPE $(exec sh -c 'echo $PPID'); echo ignored); kill -TERM $$; echo blocked");
	sigprocmask(SIG_SETMASK, &old, NULL);
	signal(SIGPIPE, SIG_DFL);
	close(50);
	CHECK(!log_has("leaked") && !log_has("ignored") && !log_has("blocked"));
	CHECK(log_has("web: hook: ended by signal 15"));
}

static void
test_failures(void)
{
	struct hook *h;

	run_to_end("echo no; exit 3");
	CHECK(log_has("web: hook: no\nweb: hook: failed with exit status 3\n"));
	run_to_end("/nowhere/program");
	CHECK(log_has("/nowhere/program") && log_has("failed with exit status 127"));
	run_to_end("exec >&- 2>&-; read x <gate; exit 4 #");
	CHECK(log_has("failed with exit status 4"));
	log_clear();
	h = hook_new(base, &web, "echo {name}", "/nowhere");
	running++;
	hook_update(h);
	RUN_UNTIL(running == 0);
	hook_free(h);
	CHECK(log_has("web: hook: cannot enter /nowhere: No such file"));
	CHECK(log_has("failed with exit status 126"));
}

static pid_t
pid_in_log(const char *after)
{
	const char *p = strstr(log_lines, after);

	return p != NULL ? (pid_t)atoi(p + strlen(after)) : 0;
}

static bool
is_gone(pid_t pid)
{
	char path[64], line[256] = "";
	FILE *f;

	/* An orphan that nobody reaps stays as a zombie, which is gone enough. */
	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return true;
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	fclose(f);
	return strstr(line, ") Z") != NULL || line[0] == '\0';
}

static void
test_hanging(void)
{
	double start = seconds();

	hooks_set_time_limit(200);
	run_to_end("sleep 1000 & echo child $!; wait");
	hooks_set_time_limit(30000);
	CHECK(seconds() - start < 5);
	CHECK(log_has("web: hook: still running after 1 s, killed\n"));
	CHECK(!log_has("ended by signal"));
	CHECK(pid_in_log("child ") > 0);
	RUN_UNTIL(is_gone(pid_in_log("child ")));
}

static void
test_flood(void)
{
	run_to_end("i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i + 1)); done");
	CHECK(log_count("hook: line ") == 100);
	CHECK(log_has("hook: line 99\n") && !log_has("hook: line 100\n"));
	CHECK(log_has("web: hook: 4900 more lines were not logged\n"));
	run_to_end("printf '%0700d' 7; printf '\\n\\nlast\\033'");
	CHECK(log_count("web: hook: 0") == 3 && log_count("\n") == 4); /* 299 + 299 + 102, last */
	CHECK(log_has("web: hook: last?\n"));
}

static void
test_coalescing(void)
{
	struct hook *h = run("echo run {outer_port}; read x <gate");

	RUN_UNTIL(log_has("run 40123"));
	set_outer("203.0.113.7:2");
	hook_update(h);
	set_outer("203.0.113.7:3");
	hook_update(h);
	set_outer("203.0.113.7:4");
	hook_update(h);
	running++; /* one more, not three */
	open_gate();
	RUN_UNTIL(log_has("run 4\n"));
	open_gate();
	RUN_UNTIL(running == 0);
	check_nothing_runs();
	CHECK(log_count("hook: run") == 2);
	hook_free(h);
}

/* One that does not ask for events: an address stands until there is another. */
static void
test_address_lost_meanwhile(void)
{
	struct hook *h = run("echo run {outer_port} was $NATTER_OLD_OUTER_PORT; read x <gate");

	RUN_UNTIL(log_has("run 4 was 0\n"));
	set_outer("203.0.113.7:5");
	hook_update(h);
	set_outer("");
	open_gate();
	RUN_UNTIL(running == 0);
	hook_update(h);
	check_nothing_runs();
	set_outer("203.0.113.7:4");
	hook_update(h); /* as it was told */
	check_nothing_runs();
	set_outer("203.0.113.7:5");
	running++;
	hook_update(h);
	RUN_UNTIL(log_has("run 5 was 4\n"));
	open_gate();
	RUN_UNTIL(running == 0);
	hook_update(h); /* nothing is owed any more */
	check_nothing_runs();
	CHECK(log_count("hook: run") == 2);
	hook_free(h);
}

/* Makes it true, tells the hook, and waits for the run. */
static void
become(struct hook *h, const char *outer)
{
	set_outer(outer);
	log_clear();
	running++;
	hook_update(h);
	RUN_UNTIL(running == 0);
}

static void
test_events(void)
{
	struct hook *h = hook_new(base, &web,
	    "echo \"{event}/{outer_ip}/{outer_port}/{old_outer_ip}/{old_outer_port}/{old_outer}/"
	    "$NATTER_EVENT/$NATTER_OUTER/$NATTER_OLD_OUTER/$NATTER_OLD_OUTER_IP/$NATTER_OLD_OUTER_PORT\"",
	    directory);

	set_outer("");
	hook_update(h);
	check_nothing_runs();
	become(h, "203.0.113.7:6");
	CHECK(log_has("hook: up/203.0.113.7/6//0//up/203.0.113.7:6///0\n"));
	become(h, "203.0.113.7:7");
	CHECK(log_has("hook: change/203.0.113.7/7/203.0.113.7/6/203.0.113.7:6/"
		      "change/203.0.113.7:7/203.0.113.7:6/203.0.113.7/6\n"));
	become(h, "");
	CHECK(log_has("hook: down//0/203.0.113.7/7/203.0.113.7:7/down//203.0.113.7:7/203.0.113.7/7\n"));
	hook_update(h);
	check_nothing_runs();
	become(h, "203.0.113.7:7"); /* as it was before, but it was told the loss */
	CHECK(log_has("hook: up/203.0.113.7/7/203.0.113.7/7/"));
	hook_free(h);
}

/* What happens during a run is told as what became of it all. */
static void
test_events_meanwhile(void)
{
	struct hook *h = run("echo {event} {outer_port} {old_outer_port}; read x <gate");

	RUN_UNTIL(log_has("hook: up 7 0\n"));
	set_outer("");
	hook_update(h);
	set_outer("203.0.113.7:7");
	hook_update(h);
	open_gate();
	RUN_UNTIL(running == 0);
	check_nothing_runs(); /* it is as it was told */
	running++;
	set_outer("");
	hook_update(h);
	RUN_UNTIL(log_has("hook: down 0 7\n"));
	set_outer("203.0.113.7:8");
	hook_update(h);
	set_outer("203.0.113.7:9");
	hook_update(h);
	running++;
	open_gate();
	RUN_UNTIL(log_has("hook: up 9 7\n"));
	set_outer("");
	hook_update(h);
	set_outer("203.0.113.7:8");
	hook_update(h);
	running++;
	open_gate();
	RUN_UNTIL(log_has("hook: change 8 9\n"));
	open_gate();
	RUN_UNTIL(running == 0);
	check_nothing_runs();
	CHECK(log_count("\n") == 4);
	hook_free(h);
}

static void
test_who_asks_for_events(void)
{
	CHECK(hook_command_asks_event("tell {event} {outer}"));
	CHECK(hook_command_asks_event("{event}"));
	CHECK(hook_command_asks_event("echo ${event} {event}"));
	CHECK(hook_command_asks_event("[ \"$NATTER_EVENT\" != down ] && tell {outer}"));
	CHECK(hook_command_asks_event("echo ${NATTER_EVENT:-up}"));
	CHECK(!hook_command_asks_event("tell {outer_ip} {old_outer}"));
	CHECK(!hook_command_asks_event("echo ${event} {events} event"));
	CHECK(!hook_command_asks_event(""));
}

static void
test_grandchild_keeps_the_pipe(void)
{
	struct hook *h = run("sleep 1000 & echo child $!; echo bye");
	double start = seconds();
	pid_t child;

	RUN_UNTIL(running == 0);
	CHECK(seconds() - start < 5);
	CHECK(log_has("hook: bye\n"));
	child = pid_in_log("child ");
	CHECK(child > 0 && !is_gone(child));
	if (child > 0)
		kill(child, SIGKILL);
	hook_free(h);
	/* One that goes on writing is not listened to for ever. */
	run_to_end("d=$(mktemp -d); mkfifo $d/told; sh -c 'echo child $$; echo >'$d'/told; exec yes' &"
	           " read nothing <$d/told; rm -r $d");
	child = pid_in_log("child ");
	CHECK(child > 0);
	RUN_UNTIL(is_gone(child)); /* SIGPIPE */
}

static void
test_free_kills(void)
{
	struct hook *h = run("sleep 1000 & echo child $!; wait");
	pid_t child;

	RUN_UNTIL(log_has("child "));
	child = pid_in_log("child ");
	hook_free(h);
	RUN_UNTIL(is_gone(child));
	running = 0;
	hook_free(NULL);
	hook_update(NULL);
	CHECK(!hooks_reaped(1, 0));
}

int
main(void)
{
	struct event *child;

	if (mkdtemp(directory) == NULL || chdir(directory) < 0 || mkfifo("gate", 0600) < 0)
		return 1;
	gate = open("gate", O_RDWR | O_CLOEXEC);
	loop_open();
	child = evsignal_new(base, SIGCHLD, on_child, NULL);
	event_add(child, NULL);
	fill_service(&web, "web", PROTOCOL_TCP, "10.0.0.5:80", "203.0.113.7:40123");
	open_gate(); /* test_failures' */
	test_expansion();
	test_value_that_is_no_word();
	test_what_it_is_told();
	test_cut_off();
	test_failures();
	test_hanging();
	test_flood();
	test_coalescing();
	test_address_lost_meanwhile();
	test_events();
	test_events_meanwhile();
	test_who_asks_for_events();
	test_grandchild_keeps_the_pipe();
	test_free_kills();
	event_free(child);
	CHECK(unlink("gate") == 0 && rmdir(directory) == 0);
	return check_done();
}
