/* SPDX-License-Identifier: ISC */
/*
 * Log lines: levels and their names, one line each, never too long.
 */
#include "log.h"

#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "message.h"
#include "text.h"

static struct {
	int lines;
	enum log_level level;
	char text[LOG_TEXT_SIZE * 2];
} seen;

static void
sink(enum log_level level, const char *text)
{
	seen.lines++;
	seen.level = level;
	snprintf(seen.text, sizeof(seen.text), "%s", text);
}

static void
test_names(void)
{
	int level;

	for (level = 0; level < LOG_LEVEL_COUNT; level++)
		CHECK(log_level_find(log_level_name((enum log_level)level)) == level);
	CHECK_TEXT(log_level_name(LOG_LEVEL_WARNING), "warning");
	CHECK(log_level_find("critical") == LOG_LEVEL_ERROR); /* v0.9's */
	CHECK(log_level_find("Error") == -1);
	CHECK(log_level_find("") == -1);
}

static void
test_threshold(void)
{
	CHECK(log_get_level() == LOG_LEVEL_INFO);
	log_debug("not seen");
	CHECK(seen.lines == 0);
	log_info("web: %d", 7);
	CHECK(seen.lines == 1 && seen.level == LOG_LEVEL_INFO);
	CHECK_TEXT(seen.text, "web: 7");
	log_set_level(LOG_LEVEL_ERROR);
	log_warning("not seen");
	log_at(LOG_LEVEL_INFO, "not seen");
	CHECK(seen.lines == 1);
	log_error("seen");
	CHECK(seen.lines == 2 && seen.level == LOG_LEVEL_ERROR);
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("seen");
	CHECK(seen.lines == 3 && seen.level == LOG_LEVEL_DEBUG);
	log_at(LOG_LEVEL_WARNING, "seen");
	CHECK(seen.lines == 4 && seen.level == LOG_LEVEL_WARNING);
}

static void
test_one_short_line(void)
{
	char longer[LOG_TEXT_SIZE * 2];

	log_error("%s", "two\nlines \x1b[31m");
	CHECK_TEXT(seen.text, "two?lines ?[31m");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	log_error("%s", longer);
	CHECK(strlen(seen.text) == LOG_TEXT_SIZE - 1);
	CHECK(text_is_printable(seen.text, LOG_TEXT_SIZE));
}

static void
sink_to_stdout(enum log_level level, const char *text)
{
	dprintf(STDOUT_FILENO, "%s: %s", log_level_name(level), text);
}

/* In a child, whose standard output is a pipe to here. */
static void
test_fatal(void)
{
	int status = 0, ends[2];
	char line[100] = "";
	pid_t pid;

	CHECK(pipe(ends) == 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		log_set_sink(sink_to_stdout);
		fatal("the end of %s", "it");
	}
	close(ends[1]);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CHECK(read(ends[0], line, sizeof(line) - 1) > 0);
	CHECK_TEXT(line, "error: the end of it");
	close(ends[0]);
}

int
main(void)
{
	log_set_sink(sink);
	test_names();
	test_threshold();
	test_one_short_line();
	test_fatal();
	return check_done();
}
