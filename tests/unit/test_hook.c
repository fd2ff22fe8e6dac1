/* SPDX-License-Identifier: ISC */
/*
 * hook.c and what it is made of with real shells: what they are told, what comes
 * of their output, and every way in which they end.
 * NEEDS: supervisor/hook supervisor/hook_command supervisor/hook_guard supervisor/inherited supervisor/hook_output supervisor/hook_run supervisor/hook_settings supervisor/child supervisor/record supervisor/record_environment supervisor/counts supervisor/outer_event supervisor/bucket
 */
#include "hook.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/resource.h>
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

/* Of the usual settings, with this command. */
static struct hook_settings
settings_of(const char *command)
{
	struct hook_settings s = {.timeout = HOOK_TIMEOUT_DEFAULT};

	memcpy(&s.command, &command, sizeof(s.command));
	return s;
}

static struct hook *
new_hook(const char *command)
{
	struct hook_settings s = settings_of(command);

	return hook_new(base, &web, &s, directory);
}

static struct hook *
run_with(const struct hook_settings *s)
{
	struct hook *h = hook_new(base, &web, s, directory);

	log_clear();
	running++;
	hook_update(h);
	return h;
}

static struct hook *
run(const char *command)
{
	struct hook_settings s = settings_of(command);

	return run_with(&s);
}

/* Also if it has a last word. */
static void
drop(struct hook *h)
{
	hook_retire(h);
	hooks_end(base);
	running = 0;
}

static void
run_to_end(const char *command)
{
	struct hook *h = run(command);

	RUN_UNTIL(running == 0);
	drop(h);
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

/* A bracket is a pattern, unless it is quoted. */
static void
test_brackets(void)
{
	static const char *const same[] = {"\"{target}\"", "'{target}'", "\"$(a \"{target}\")\"",
	    "a <<END\n{target}\nEND", "\"${x:-\"{target}\"}\"", "`a \"{target}\"`", "a \\{target}",
	    "a # don't\n{target}",
	    "\"\\\"{target}\""};
	char wanted[128];
	const char *at;
	size_t i;

	web.mapping.target = addr_of("[fd00::5]:80");
	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		at = strstr(same[i], "{target}");
		snprintf(wanted, sizeof(wanted), "%.*s[fd00::5]:80%s", (int)(at - same[i]), same[i], at + strlen("{target}"));
		check_expansion(same[i], wanted);
	}
	check_expansion("a {target} {inner_ip}", "a \\[fd00::5]:80 fd00::5");
	check_expansion("a 'b' \"c\" \\\" x={target}", "a 'b' \"c\" \\\" x=\\[fd00::5]:80");
	check_expansion("a 'b\\'{target}", "a 'b\\'\\[fd00::5]:80");
	check_expansion("a $NATTER_NAME {target}", "a $NATTER_NAME \\[fd00::5]:80");
	CHECK(close(open("f:80", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) == 0);
	run_to_end("echo {target} \"{target}\" '{target}' {target}x; a=\"$(echo \"{target}\")\"; echo $(echo $a) \"$a\"");
	CHECK(log_has("hook: [fd00::5]:80 [fd00::5]:80 [fd00::5]:80 [fd00::5]:80x\n"));
	CHECK(log_has("hook: f:80 [fd00::5]:80\n")); /* it would have been one */
	CHECK(unlink("f:80") == 0);
	web.mapping.target = addr_of("10.0.0.5:80");
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
	struct hook_settings settings = settings_of("echo {name}");
	struct hook *h;

	run_to_end("echo no; exit 3");
	CHECK(log_has("web: hook: no\nweb: hook: failed with exit status 3\n"));
	run_to_end("/nowhere/program");
	CHECK(log_has("/nowhere/program") && log_has("failed with exit status 127: a program was not found\n"));
	run_to_end("exec >&- 2>&-; read x <gate; exit 4 #");
	CHECK(log_has("failed with exit status 4"));
	log_clear();
	h = hook_new(base, &web, &settings, "/nowhere");
	running++;
	hook_update(h);
	RUN_UNTIL(running == 0);
	drop(h);
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

/* One that tidies up, and one that does not listen; each with somebody who is left. */
static void
test_hanging(void)
{
	struct hook_settings s = settings_of("(trap '' TERM; exec sleep 1000) & echo first $!;"
					     " trap 'echo tidied; exit 0' TERM; wait");
	struct hook_settings deaf = settings_of("trap '' TERM; sleep 1000 & echo second $!; wait");
	double start = seconds();
	struct hook *polite, *other;

	s.timeout = deaf.timeout = 1;
	polite = run_with(&s);
	running++;
	other = hook_new(base, &web, &deaf, directory);
	hook_update(other);
	RUN_UNTIL(running == 0);
	CHECK(seconds() - start < 5);
	CHECK(log_count("web: hook: still running after 1 s, and ended\n") == 2);
	CHECK(log_has("tidied\n") && !log_has("ended by signal"));
	CHECK(pid_in_log("first ") > 0 && pid_in_log("second ") > 0);
	RUN_UNTIL(is_gone(pid_in_log("first ")));
	RUN_UNTIL(is_gone(pid_in_log("second ")));
	hook_retire(polite);
	drop(other);
}

static int
lines_of(const char *name)
{
	FILE *f = fopen(name, "r");
	int c, count = 0;

	if (f == NULL)
		return 0;
	while ((c = fgetc(f)) != EOF)
		count += c == '\n';
	fclose(f);
	return count;
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

/* One that failed, and was told something else before it was due again. */
static struct hook *
run_with_news(void)
{
	struct hook_settings s = settings_of("echo {event} >>news; [ {event} = change ]");
	struct hook *h;

	s.retry = 1;
	set_outer("203.0.113.7:40122");
	h = run_with(&s);
	RUN_UNTIL(running == 0);
	become(h, "203.0.113.7:40123");
	CHECK(lines_of("news") == 2);
	return h;
}

/* The log has the first failure, and that it is over. */
static void
test_repeated_until_it_works(void)
{
	struct hook_settings s = settings_of("echo {event} {outer_port} {old_outer_port} >>tries;"
					     " [ $(wc -l <tries) -gt 2 ]");
	struct hook *h, *other = run_with_news();

	s.retry = 5;
	h = run_with(&s);
	RUN_UNTIL(log_has("done, after it had failed\n"));
	CHECK(lines_of("tries") == 3);
	CHECK(log_has("web: hook: failed with exit status 1; it runs again in 1 s (repetition 1 of 5)\n"));
	CHECK(log_count("\n") == 2);
	CHECK(system("[ \"$(sort -u tries)\" = 'up 40123 0' ]") == 0);
	CHECK(lines_of("news") == 2); /* its repetition would have been first */
	hook_retire(other);
	drop(h);
	CHECK(unlink("tries") == 0 && unlink("news") == 0);
	run_to_end("exit 1"); /* off unless it is set */
	CHECK(log_has("web: hook: failed with exit status 1\n"));
}

static void
test_repeated_in_vain(void)
{
	struct hook_settings s = settings_of("echo >>tries; kill -9 $$");
	struct hook *h;

	s.retry = 1;
	h = run_with(&s);
	running++;
	RUN_UNTIL(running == 0);
	CHECK(lines_of("tries") == 2);
	CHECK(log_count("ended by signal 9") == 1);
	set_outer("203.0.113.7:40124"); /* and it is told what comes next */
	running++;
	hook_update(h);
	RUN_UNTIL(running == 0);
	CHECK(lines_of("tries") == 3);
	CHECK(log_count("\n") == 1);
	drop(h);
	set_outer("203.0.113.7:40123");
	CHECK(unlink("tries") == 0);
}

/* What natterd lacks is not the hook's failure: without any repetition allowed it is told as soon as it can be. */
static void
test_short_of_descriptors(void)
{
	struct hook_settings s = settings_of("echo {outer_port} >>tries");
	struct rlimit usual, none;
	struct hook *h;
	double later = seconds() + 1.5;

	CHECK(getrlimit(RLIMIT_NOFILE, &usual) == 0);
	none = usual;
	none.rlim_cur = 0;
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	h = run_with(&s);
	CHECK(log_has("web: hook: cannot be started: Too many open files; trying again in 1 s\n"));
	RUN_UNTIL(seconds() > later); /* the second try, too */
	CHECK(log_count("\n") == 1);
	CHECK(setrlimit(RLIMIT_NOFILE, &usual) == 0);
	RUN_UNTIL(running == 0);
	CHECK(lines_of("tries") == 1);
	CHECK(log_has("web: hook: done, after it had failed\n"));
	drop(h);
	CHECK(unlink("tries") == 0);
}

/* What is newer than a repetition takes its place. */
static void
test_news_instead_of_repetition(void)
{
	struct hook_settings s = settings_of("echo {event} {outer_port} {old_outer_port}; exit 1");
	struct hook *h;

	s.retry = 1;
	h = run_with(&s);
	RUN_UNTIL(running == 0);
	set_outer("203.0.113.7:40124");
	running = 2;
	hook_update(h);
	log_set_level(LOG_LEVEL_DEBUG);
	RUN_UNTIL(running == 0);
	log_set_level(LOG_LEVEL_INFO);
	CHECK(log_count("hook: up 40123 0\n") == 1 && log_count("hook: change 40124 40123\n") == 2);
	set_outer("203.0.113.7:40123");
	log_clear();
	hook_retire(h); /* the loss, and its repetition */
	hooks_end(base);
	CHECK(log_count("hook: down 0 40124\n") == 1);
	running = 0;
}

static void
test_account(void)
{
	const struct passwd *nobody = getpwnam("nobody");
	struct hook_settings s = settings_of("id -un; echo groups $(id -G) $(id -Gr); echo $HOME $USER $LOGNAME $SHELL;"
					     " echo by name >/dev/stderr; id -u >mine; kill -0 $PPID && echo strong");
	char line[256];
	struct hook *h;

	if (geteuid() != 0 || nobody == NULL)
		return;
	s.user = nobody->pw_name;
	s.uid = nobody->pw_uid;
	s.gid = nobody->pw_gid;
	s.home = nobody->pw_dir;
	s.shell = nobody->pw_shell;
	h = run_with(&s);
	RUN_UNTIL(running == 0);
	drop(h);
	CHECK(log_has("web: hook: nobody\n"));
	snprintf(line, sizeof(line), "groups %u %u\n", s.gid, s.gid);
	CHECK(log_has(line));
	snprintf(line, sizeof(line), "hook: %s nobody nobody %s\n", s.home, s.shell);
	CHECK(log_has(line));
	CHECK(log_has("by name\n") && !log_has("strong"));
	CHECK(access("mine", F_OK) < 0); /* the folder is root's */
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
	/* Characters of three and of four bytes, broken after each of their bytes or not at all. */
	run_to_end("for p in 1 12 123 1234 12345 123456 1234567; do printf $p;"
		   "for i in $(seq 80); do printf '\\344\\270\\255\\360\\237\\230\\200'; done; echo; done");
	CHECK(log_count("\n") == 14 && !log_has("?"));
}

/* It is taken at natterd's pace, and not at that of whoever floods. */
static void
test_endless_flood(void)
{
	struct hook_settings s = settings_of("exec yes");
	struct hook *h;
	const char *dropped;

	s.timeout = 1;
	h = run_with(&s);
	RUN_UNTIL(running == 0);
	CHECK(log_count("hook: y\n") == 100);
	dropped = strstr(log_lines, " more lines were not logged\n");
	while (dropped > log_lines && dropped[-1] != ' ')
		dropped--;
	CHECK(dropped != NULL && strtoul(dropped, NULL, 10) > 0 && strtoul(dropped, NULL, 10) < 5000000);
	drop(h);
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
	drop(h);
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
	drop(h);
}

static void
test_events(void)
{
	struct hook *h = new_hook("echo \"{event}/{outer_ip}/{outer_port}/{old_outer_ip}/{old_outer_port}/{old_outer}/"
	    "$NATTER_EVENT/$NATTER_OUTER/$NATTER_OLD_OUTER/$NATTER_OLD_OUTER_IP/$NATTER_OLD_OUTER_PORT\"");

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
	drop(h);
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
	open_gate();
	drop(h);
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
	drop(h);
	/* One that goes on writing is not listened to for ever. */
	run_to_end("d=$(mktemp -d); mkfifo $d/told; sh -c 'echo child $$; echo >'$d'/told; exec yes' &"
	           " read nothing <$d/told; rm -r $d");
	child = pid_in_log("child ");
	CHECK(child > 0);
	RUN_UNTIL(is_gone(child)); /* SIGPIPE */
}

/* A mapping that goes away: its service is gone at once. */
static struct hook *
run_of_its_own(const struct hook_settings *s, struct service **own)
{
	struct hook *h;

	*own = malloc(sizeof(**own));
	if (*own == NULL)
		exit(1);
	fill_service(*own, "web", PROTOCOL_TCP, "", "203.0.113.7:7");
	h = hook_new(base, *own, s, directory);
	log_clear();
	running++;
	hook_update(h);
	return h;
}

static void
retire(struct hook *h, struct service *own)
{
	hook_retire(h);
	memset(own, 0xff, sizeof(*own));
	free(own);
}

static void
test_retired(void)
{
	struct hook_settings s = settings_of("echo {event} {inner_port} {outer_port} {old_outer_port}");
	struct service *own;
	struct hook *h = run_of_its_own(&s, &own);

	RUN_UNTIL(running == 0);
	running++;
	retire(h, own);
	RUN_UNTIL(running == 0);
	CHECK(log_has("web: hook: up 5000 7 0\nweb: hook: down 5000 0 7\n"));
	s = settings_of("echo told {outer_port}");
	h = run_of_its_own(&s, &own);
	RUN_UNTIL(running == 0);
	retire(h, own); /* does not ask for it */
	check_nothing_runs();
	s = settings_of("echo {event}");
	set_outer("");
	h = hook_new(base, &web, &s, directory);
	hook_update(h);
	hook_retire(h); /* was told nothing */
	check_nothing_runs();
	hook_retire(NULL);
	hook_update(NULL);
	CHECK(!hooks_reaped(1, 0));
}

/* First what runs, then that it is gone, then what came in its place, by its name or
 * by another. */
static void
test_retired_while_it_runs(const char *successor)
{
	struct hook_settings s = settings_of("echo old {event}; read x <gate");
	struct service *own;
	char story[128];
	struct hook *h = run_of_its_own(&s, &own), *next;

	RUN_UNTIL(log_has("old up\n"));
	retire(h, own);
	strlcpy(web.mapping.name, successor, sizeof(web.mapping.name));
	next = new_hook("echo new {event}");
	set_outer("203.0.113.7:8");
	hook_update(next);
	CHECK(log_count("\n") == 1);
	running += 2;
	open_gate();
	RUN_UNTIL(log_has("old down\n"));
	hook_update(next);
	CHECK(log_count("\n") == 2);
	open_gate();
	RUN_UNTIL(running == 0);
	snprintf(story, sizeof(story), "old up\nweb: hook: old down\n%s: hook: new up\n", successor);
	CHECK(log_has(story));
	drop(next);
	strlcpy(web.mapping.name, "web", sizeof(web.mapping.name));
}

static void
test_retired_and_failing(void)
{
	struct hook_settings s = settings_of("echo old {event}; exit 1");
	struct service *own;
	struct hook *h, *next;

	s.retry = 1000;
	h = run_of_its_own(&s, &own);
	RUN_UNTIL(running == 0);
	running++;
	retire(h, own);
	RUN_UNTIL(running == 0);
	next = run("echo new {event}"); /* waits for what runs, not for what will be repeated */
	RUN_UNTIL(running == 0);
	CHECK(log_has("new up\n"));
	drop(next);
	s = settings_of("exit 1");
	s.retry = 1000;
	h = run_of_its_own(&s, &own);
	RUN_UNTIL(running == 0);
	retire(h, own);
	check_nothing_runs();
	hooks_end(base); /* returns at once, as nothing is left */
	CHECK(!log_has("without waiting"));
}

static void
test_change(void)
{
	struct hook_settings s = settings_of("echo other {event} {old_outer_port}"), none = settings_of(NULL);
	struct hook *h;

	set_outer("203.0.113.7:1");
	h = run("echo one {event}");
	RUN_UNTIL(running == 0);
	hook_change(h, &s);
	hook_update(h);
	check_nothing_runs();
	become(h, "203.0.113.7:2");
	CHECK(log_has("hook: other change 1\n"));
	hook_change(h, &none);
	set_outer("203.0.113.7:3");
	hook_update(h);
	check_nothing_runs();
	hook_change(h, &s);
	strlcpy(web.mapping.name, "renamed", sizeof(web.mapping.name));
	become(h, "203.0.113.7:3");
	CHECK(log_has("renamed: hook: other up 0\n"));
	strlcpy(web.mapping.name, "web", sizeof(web.mapping.name));
	hook_change(h, &none);
	hook_retire(h);
	check_nothing_runs();
}

/* All at once, each in its time, and what a run holds up is told. */
static void
test_end(void)
{
	static struct service many[8];
	struct hook_settings s = settings_of("case {event} in up) echo up;; *) sleep 1; echo gone;; esac");
	struct hook_settings stuck = settings_of("[ {event} = down ] && echo at last || { sleep 1000 & echo child $!; wait; }");
	struct hook *h[8];
	char name[16];
	double start;
	size_t i;

	log_clear();
	for (i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), i == 7 ? "stuck" : "m%zu", i);
		fill_service(&many[i], name, PROTOCOL_TCP, "", "203.0.113.7:7");
		h[i] = hook_new(base, &many[i], i == 7 ? &stuck : &s, directory);
		hook_update(h[i]);
	}
	RUN_UNTIL(log_count("hook: up\n") == 7 && log_has("child "));
	start = seconds();
	for (i = 0; i < 8; i++) {
		hook_retire(h[i]);
		memset(&many[i], 0xff, sizeof(many[i])); /* it is not read any more */
	}
	hooks_end(base);
	CHECK(seconds() - start > 2.9 && seconds() - start < HOOKS_END_SECONDS);
	CHECK(log_count("gone\n") == 7);
	CHECK(log_has("stuck: hook: still running while natterd ends, and ended too\nstuck: hook: at last\n"));
	RUN_UNTIL(is_gone(pid_in_log("child ")));
}

static void
on_break(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what, (void)context;
	event_base_loopbreak(base);
}

static void
test_end_without_patience(void)
{
	static const struct timeval soon = {.tv_usec = 100000};
	struct hook *h = run("trap '' TERM; sleep 1000 & echo child $!; wait");
	double start = seconds();
	pid_t child;

	RUN_UNTIL(log_has("child "));
	child = pid_in_log("child ");
	hook_retire(h);
	event_base_once(base, -1, EV_TIMEOUT, on_break, NULL, &soon);
	hooks_end(base);
	CHECK(seconds() - start < 3);
	CHECK(log_has("web: hook: natterd ends without waiting for it any longer\n"));
	RUN_UNTIL(is_gone(child));
}

int
main(void)
{
	struct event *child;

	if (mkdtemp(directory) == NULL || chdir(directory) < 0 || mkfifo("gate", 0600) < 0 ||
	    chmod(directory, 0755) < 0)
		return 1;
	gate = open("gate", O_RDWR | O_CLOEXEC);
	loop_open();
	child = evsignal_new(base, SIGCHLD, on_child, NULL);
	event_add(child, NULL);
	fill_service(&web, "web", PROTOCOL_TCP, "10.0.0.5:80", "203.0.113.7:40123");
	open_gate(); /* test_failures' */
	test_expansion();
	test_brackets();
	test_value_that_is_no_word();
	test_what_it_is_told();
	test_cut_off();
	test_failures();
	test_hanging();
	test_repeated_until_it_works();
	test_repeated_in_vain();
	test_short_of_descriptors();
	test_news_instead_of_repetition();
	test_account();
	test_flood();
	test_endless_flood();
	test_coalescing();
	test_address_lost_meanwhile();
	test_events();
	test_events_meanwhile();
	test_who_asks_for_events();
	test_grandchild_keeps_the_pipe();
	test_retired();
	test_retired_while_it_runs("web");
	test_retired_while_it_runs("renamed");
	test_retired_and_failing();
	test_change();
	test_end();
	test_end_without_patience();
	event_free(child);
	CHECK(unlink("gate") == 0 && rmdir(directory) == 0);
	return check_done();
}
