/* SPDX-License-Identifier: ISC */
/*
 * files.c and status.c: what is on the disk afterwards, also after a failure.
 * NEEDS: supervisor/files supervisor/way supervisor/status supervisor/record supervisor/counts supervisor/outer_event
 */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "status.h"
#include "supervisor.h"

static char directory[] = "/tmp/natter-files-XXXXXX";

static int
count_files(void)
{
	DIR *d = opendir(directory);
	const struct dirent *e;
	int count = 0;

	while ((e = readdir(d)) != NULL)
		count += e->d_name[0] != '.';
	closedir(d);
	return count;
}

static const char *
content(const char *path)
{
	static char text[65536];
	FILE *in = fopen(path, "r");
	size_t n = in != NULL ? fread(text, 1, sizeof(text) - 1, in) : 0;

	text[n] = '\0';
	if (in != NULL)
		fclose(in);
	return text;
}

static void
test_write(void)
{
	char stale[64];
	struct stat st;
	FILE *f;

	umask(077);
	CHECK(files_write_atomically("a", "one", 3, 0644) == 0);
	CHECK_TEXT(content("a"), "one");
	CHECK(stat("a", &st) == 0 && (st.st_mode & 07777) == 0644);
	/* Left by a crash of a process with our pid. */
	snprintf(stale, sizeof(stale), "a.%ld.tmp", (long)getpid());
	f = fopen(stale, "w");
	fclose(f);
	CHECK(files_write_atomically("a", "", 0, 0600) == 0);
	CHECK_TEXT(content("a"), "");
	CHECK(stat("a", &st) == 0 && (st.st_mode & 07777) == 0600);
	CHECK(count_files() == 1);
}

static void
test_refusals(void)
{
	char path[5000];

	CHECK(symlink("a", "link") == 0 && mkdir("dir", 0700) == 0 && mkfifo("fifo", 0600) == 0);
	CHECK(files_write_atomically("link", "x", 1, 0644) == -1 && errno == ELOOP);
	CHECK(files_write_atomically("dir", "x", 1, 0644) == -1 && errno == EISDIR);
	CHECK(files_write_atomically("fifo", "x", 1, 0644) == -1 && errno == EINVAL);
	CHECK(files_write_atomically("/dev/null", "x", 1, 0644) == -1 && errno == EINVAL);
	CHECK(files_write_atomically("nowhere/a", "x", 1, 0644) == -1 && errno == ENOENT);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	CHECK(files_write_atomically(path, "x", 1, 0644) == -1 && errno == ENAMETOOLONG);
	/* The longest name that the file system has leaves none for the temporary. */
	path[255] = '\0';
	CHECK(files_write_atomically(path, "x", 1, 0644) == -1 && errno == ENAMETOOLONG);
	CHECK(count_files() == 4);
}

/* The limit makes write fail, as a full disk would. */
static void
test_full_disk(void)
{
	CHECK(files_write_atomically("a", "kept", 4, 0644) == 0);
	if (fork() == 0) {
		const struct rlimit none = {0, 0};

		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &none);
		_exit(files_write_atomically("a", "new", 3, 0644) == -1 && errno == EFBIG ? 0 : 1);
	} else {
		int status;

		CHECK(wait(&status) > 0 && status == 0);
	}
	CHECK_TEXT(content("a"), "kept");
	CHECK(count_files() == 4);
}

static void
touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	CHECK(fd >= 0 && close(fd) == 0);
}

/* Of whoever was killed, and of nobody else. */
static void
test_leftovers(void)
{
	static const char *const others[] = {"a.tmp", "a.12x.tmp", "a.12.tmp.old", "b.12.tmp", "a..tmp"};
	char path[sizeof(directory) + 8];
	size_t i;
	int before = count_files();

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		touch(others[i]);
	touch("a.12.tmp");
	touch("a.4194304.tmp");
	files_remove_leftovers("a");
	CHECK(access("a.12.tmp", F_OK) < 0 && access("a.4194304.tmp", F_OK) < 0);
	touch("a.7.tmp");
	snprintf(path, sizeof(path), "%s/a", directory);
	files_remove_leftovers(path);
	CHECK(access("a.7.tmp", F_OK) < 0);
	CHECK(count_files() == before + (int)(sizeof(others) / sizeof(others[0])));
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		CHECK(unlink(others[i]) == 0);
	files_remove_leftovers("nowhere/a");
}

static void
test_make_parent(void)
{
	struct stat st;

	umask(0);
	CHECK(files_make_parent("new/file") == 0 && files_make_parent("new/file") == 0);
	CHECK(stat("new", &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 07777) == 0755);
	CHECK(files_make_parent("file") == 0);
	CHECK(files_make_parent("new/not/there/file") == -1 && errno == ENOENT);
	CHECK(rmdir("new") == 0);
	umask(077);
}

static struct service web, game, punch;

static struct json_object *
member(struct json_object *o, const char *name)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(o, name, &value);
	return value;
}

static const char *
text_in(struct json_object *list, size_t i, const char *name)
{
	const char *text = json_object_get_string(member(json_object_array_get_idx(list, i), name));

	return text != NULL ? text : "(absent)";
}

static void
test_status(void)
{
	struct json_object *all;

	status_write_soon();
	status_write_now(); /* no file yet: nothing happens */
	status_set_file(base, "status.json");
	CHECK(access("status.json", F_OK) < 0);
	status_write_soon();
	RUN_UNTIL(access("status.json", F_OK) == 0);
	all = json_tokener_parse(content("status.json"));
	CHECK(json_object_array_length(member(all, "tcp")) == 1);
	CHECK_TEXT(text_in(member(all, "tcp"), 0, "inner"), "10.0.0.5:80");
	CHECK_TEXT(text_in(member(all, "tcp"), 0, "outer"), "203.0.113.7:40123");
	CHECK(json_object_object_length(json_object_array_get_idx(member(all, "tcp"), 0)) == 2);
	CHECK(json_object_array_length(member(all, "udp")) == 1);
	CHECK_TEXT(text_in(member(all, "udp"), 0, "inner"), "192.168.1.2:5000");
	CHECK(json_object_array_length(member(all, "mappings")) == 3);
	CHECK_TEXT(text_in(member(all, "mappings"), 1, "name"), "game");
	CHECK_TEXT(text_in(member(all, "mappings"), 1, "state"), "backoff");
	CHECK_TEXT(text_in(member(all, "mappings"), 1, "error"), "no STUN server answered");
	CHECK(json_object_get_int64(member(all, "pid")) == getpid());
	CHECK(json_object_get_int64(member(all, "updated")) >= time(NULL) - 60);
	CHECK_TEXT(json_object_get_string(member(all, "version")), NATTER_VERSION);
	json_object_put(all);
}

/* Twenty changes are one write: the file is the same one until the timer. */
static void
test_coalescing(void)
{
	struct stat before, after;
	int i;

	CHECK(stat("status.json", &before) == 0);
	for (i = 0; i < 20; i++)
		status_write_soon();
	CHECK(stat("status.json", &after) == 0 && after.st_ino == before.st_ino);
	RUN_UNTIL(stat("status.json", &after) == 0 && after.st_ino != before.st_ino);
}

static void
test_stopped(void)
{
	struct json_object *all;
	double later = seconds() + 0.05;
	size_t i;

	status_write_soon();
	status_write_stopped();
	RUN_UNTIL(seconds() > later); /* the pending write must not bring it back to life */
	all = json_tokener_parse(content("status.json"));
	CHECK(json_object_array_length(member(all, "tcp")) == 0);
	CHECK(json_object_array_length(member(all, "udp")) == 0);
	CHECK(json_object_array_length(member(all, "mappings")) == 3);
	for (i = 0; i < 3; i++) {
		CHECK_TEXT(text_in(member(all, "mappings"), i, "state"), "stopped");
		CHECK_TEXT(text_in(member(all, "mappings"), i, "outer"), "");
		CHECK_TEXT(text_in(member(all, "mappings"), i, "pid"), "0");
	}
	CHECK_TEXT(text_in(member(all, "mappings"), 0, "event"), "down");
	CHECK_TEXT(text_in(member(all, "mappings"), 0, "old_outer"), "203.0.113.7:40123");
	CHECK_TEXT(text_in(member(all, "mappings"), 1, "event"), ""); /* it had no address */
	json_object_put(all);
}

static void
test_failure_is_logged_once(void)
{
	log_clear();
	status_set_file(base, "later/status.json");
	status_write_now();
	status_write_now();
	CHECK(log_count("later/status.json cannot be written: No such file") == 1);
	CHECK(mkdir("later", 0700) == 0);
	status_write_now();
	CHECK(log_count("is written again") == 1);
	CHECK(access("later/status.json", R_OK) == 0);
	status_set_file(NULL, NULL);
	CHECK(unlink("later/status.json") == 0 && rmdir("later") == 0);
	status_write_now();
	CHECK(log_count("\n") == 2);
}

int
main(void)
{
	if (mkdtemp(directory) == NULL || chdir(directory) < 0)
		return 1;
	loop_open();
	fill_service(&web, "web", PROTOCOL_TCP, "10.0.0.5:80", "203.0.113.7:40123");
	fill_service(&game, "game", PROTOCOL_TCP, "10.0.0.6:90", "");
	fill_service(&punch, "punch", PROTOCOL_UDP, "", "203.0.113.7:40999");
	game.report.state = STATE_BACKOFF;
	strlcpy(game.report.error, "no STUN server answered", sizeof(game.report.error));
	TAILQ_INSERT_TAIL(&table, &web, entry);
	TAILQ_INSERT_TAIL(&table, &game, entry);
	TAILQ_INSERT_TAIL(&table, &punch, entry);
	test_write();
	test_refusals();
	test_full_disk();
	test_leftovers();
	test_make_parent();
	test_status();
	test_coalescing();
	test_stopped();
	test_failure_is_logged_once();
	CHECK(unlink("a") == 0 && unlink("link") == 0 && rmdir("dir") == 0 && unlink("fifo") == 0);
	CHECK(unlink("status.json") == 0 && rmdir(directory) == 0);
	return check_done();
}
