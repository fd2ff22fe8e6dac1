/* SPDX-License-Identifier: ISC */
/*
 * Expanding and starting a hook's command; see hook_command.h.
 */
#include "hook_command.h"

#include <bsd/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "child.h"
#include "hook_guard.h"
#include "inherited.h"
#include "log.h"
#include "record.h"
#include "rights.h"

#define WORD_CHARACTERS                                                                                               \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:[]-"

/* How far a shell's text was followed: enough of its grammar to know a place that is surely outside of
 * quotes. */
struct shell_text {
	enum { OUTSIDE, IN_SINGLE_QUOTES, IN_DOUBLE_QUOTES, UNSURE } place;
	bool escaped; /* by the backslash before it */
};

/* What begins at p has a grammar of its own. */
static bool
is_nested(const char *p)
{
	return *p == '`' || (p[0] == '$' && p[1] != '\0' && strchr("({'\"", p[1]) != NULL);
}

static void
follow_shell(struct shell_text *t, const char *p)
{
	bool escaped = t->escaped;

	t->escaped = !escaped && *p == '\\' && t->place != IN_SINGLE_QUOTES;
	if (escaped)
		return;
	if (t->place == OUTSIDE && *p == '\'')
		t->place = IN_SINGLE_QUOTES;
	else if (t->place == IN_SINGLE_QUOTES)
		t->place = *p == '\'' ? OUTSIDE : IN_SINGLE_QUOTES;
	else if (*p == '"' && t->place != UNSURE)
		t->place = t->place == OUTSIDE ? IN_DOUBLE_QUOTES : OUTSIDE;
	else if (is_nested(p) || (t->place == OUTSIDE && (*p == '#' || strncmp(p, "<<", 2) == 0)))
		t->place = UNSURE;
}

/* The field of the "{name}" at text, its length in *length; NULL if it is none. */
static const struct record_field *
field_at(const char *text, size_t *length)
{
	const struct record_field *f;
	char name[32];
	size_t n;

	n = strcspn(text + 1, "}");
	if (text[1 + n] != '}' || n >= sizeof(name))
		return NULL;
	memcpy(name, text + 1, n);
	name[n] = '\0';
	f = record_find(name);
	*length = n + 2;
	return f != NULL && f->kind != RECORD_TEXT ? f : NULL;
}

/* Outside of quotes [2001:db8::1]:80 would be a pattern, for files of names like 1:80. */
static void
put_word(FILE *out, const char *word, bool quoted)
{
	for (; *word != '\0'; word++) {
		if (*word == '[' && !quoted)
			fputc('\\', out);
		fputc(*word, out);
	}
}

static void
put_value(FILE *out, const struct record_field *field, const struct service *service, bool quoted)
{
	char value[RECORD_VALUE_SIZE];

	record_value(field, service, value);
	if (value[strspn(value, WORD_CHARACTERS)] == '\0')
		put_word(out, value, quoted);
	else
		log_error("%s: hook: {%s} is left empty: a bug in natterd: its value is no plain word: %s",
		    service->mapping.name, field->name, value);
}

char *
hook_command_expand(const char *command, const struct service *service)
{
	const struct record_field *field;
	struct shell_text shell = {OUTSIDE, false};
	char *text = NULL;
	size_t size, length;
	FILE *out = open_memstream(&text, &size);
	const char *p;

	if (out == NULL)
		fatal("natterd: out of memory");
	for (p = command; *p != '\0';) {
		field = *p == '{' && (p == command || p[-1] != '$') ? field_at(p, &length) : NULL;
		if (field == NULL) {
			follow_shell(&shell, p);
			fputc(*p++, out);
			continue;
		}
		put_value(out, field, service, shell.place != OUTSIDE || shell.escaped);
		shell.escaped = false;
		p += length;
	}
	return alloc_text_end(out, &text); /* half a command could be a terrible one */
}

bool
hook_command_asks_event(const char *command)
{
	const char *p;

	for (p = command; (p = strstr(p, "{event}")) != NULL; p++)
		if (p == command || p[-1] != '$')
			return true;
	return strstr(command, "NATTER_EVENT") != NULL;
}

/* Without root the account is our own.  It owns the pipe, or could not open it as /dev/stderr. */
static int
become_account(const struct hook_settings *settings)
{
	if (settings->user == NULL)
		return 0;
	if (setenv("HOME", settings->home, 1) < 0 || setenv("USER", settings->user, 1) < 0 ||
	    setenv("LOGNAME", settings->user, 1) < 0 || setenv("SHELL", settings->shell, 1) < 0)
		return -1;
	if (geteuid() != 0)
		return 0;
	if (fchown(STDERR_FILENO, settings->uid, (gid_t)-1) < 0 || initgroups(settings->user, settings->gid) < 0 ||
	    setgid(settings->gid) < 0 || setuid(settings->uid) < 0)
		return -1;
	return settings->uid == 0 ? 0 : rights_reduce(0, 0);
}

/* In the child; what goes wrong is said through the pipe. */
static void __attribute__((noreturn))
become_shell(const char *command, char **environment, const char *directory, const struct hook_settings *settings)
{
	const char *const arguments[] = {"sh", "-c", command, NULL};
	int null_fd;

	null_fd = open("/dev/null", O_RDONLY);
	if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(CHILD_FD, STDOUT_FILENO) < 0 ||
	    dup2(CHILD_FD, STDERR_FILENO) < 0)
		_exit(126);
	environ = environment;
	inherited_restore();
	if (become_account(settings) < 0) {
		dprintf(STDERR_FILENO, "cannot become %s: %s\n", settings->user, strerror(errno));
		_exit(126);
	}
	closefrom(STDERR_FILENO + 1);
	if (chdir(directory) < 0) {
		dprintf(STDERR_FILENO, "cannot enter %s: %s\n", directory, strerror(errno));
		_exit(126);
	}
	execve("/bin/sh", (char *const *)(uintptr_t)arguments, environ);
	dprintf(STDERR_FILENO, "cannot run /bin/sh: %s\n", strerror(errno));
	_exit(127);
}

pid_t
hook_command_start(const char *command, char **environment, const char *directory,
    const struct hook_settings *settings, int *output)
{
	int ends[2], error;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid = child_fork(ends[1]);
	if (pid == 0) {
		hook_guard();
		become_shell(command, environment, directory, settings);
	}
	error = errno;
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		errno = error;
		return -1;
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*output = ends[0];
	return pid;
}
