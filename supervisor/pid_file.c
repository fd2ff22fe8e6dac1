/* SPDX-License-Identifier: ISC */
/*
 * The pid file; see pid_file.h.  libbsd's pidfile_open would follow symbolic links.
 */
#include "pid_file.h"

#include <bsd/libutil.h>
#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "files.h"
#include "log.h"
#include "way.h"

#define FLAGS (O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
/* In a second. */
#define LOCK_TRIES 100

static struct {
	int directory; /* -1: there is no pid file */
	char name[NAME_MAX + 1]; /* in it */
	int fd;
} pid_file = {.directory = -1, .fd = -1};

/* Sets text, to "" if it cannot be read. */
static void
read_text(int directory, const char *name, char *text, size_t size)
{
	int fd = openat(directory, name, O_RDONLY | FLAGS);
	ssize_t n = fd >= 0 ? read(fd, text, size - 1) : -1;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
}

/* 0: it is not written there. */
static long
read_other(void)
{
	char text[16];

	read_text(pid_file.directory, pid_file.name, text, sizeof(text));
	return strtol(text, NULL, 10);
}

/* One that nobody has reaped does not: proc(5). */
static bool
is_running(long pid)
{
	char path[32], text[256];
	const char *end_of_name;

	if (pid <= 0 || (kill((pid_t)pid, 0) < 0 && errno == ESRCH))
		return false;
	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	read_text(AT_FDCWD, path, text, sizeof(text));
	end_of_name = strrchr(text, ')');
	return end_of_name == NULL || strncmp(end_of_name, ") Z", 3) != 0;
}

static int
open_locked(void)
{
	return flopenat(pid_file.directory, pid_file.name, O_WRONLY | O_CREAT | FLAGS, 0644);
}

/* Whoever may read the file can lock it, too, when a natterd that was killed has left it, and must not keep the next
 * one from starting: only a pid that lives tells of another natterd, which has just begun if it is not
 * there yet.  The stranger keeps the lock of a file that is gone. */
static int
take_lock(void)
{
	static const struct timespec pause = {.tv_nsec = 1000000000 / LOCK_TRIES};
	int i, fd;

	for (i = 0; i < LOCK_TRIES; i++) {
		fd = open_locked();
		if (fd >= 0 || errno != EWOULDBLOCK)
			return fd;
		if (is_running(read_other())) {
			errno = EWOULDBLOCK;
			return -1;
		}
		nanosleep(&pause, NULL);
	}
	return unlinkat(pid_file.directory, pid_file.name, 0) < 0 ? -1 : open_locked();
}

/* Returns why not, or NULL. */
static const char *
check(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "it is no regular file";
	if (st->st_nlink != 1)
		return files_why(EMLINK);
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "it belongs to somebody else, who could have another process ended in natterd's place; remove it";
	return NULL;
}

static const char *
fill(void)
{
	struct stat st;
	const char *why = fstat(pid_file.fd, &st) < 0 ? files_why(errno) : check(&st);

	if (why != NULL)
		return why;
	if (fchmod(pid_file.fd, 0644) < 0 || ftruncate(pid_file.fd, 0) < 0 ||
	    dprintf(pid_file.fd, "%ld", (long)getpid()) < 0)
		return files_why(errno);
	return NULL;
}

static void
forget(void)
{
	if (pid_file.fd >= 0)
		close(pid_file.fd);
	if (pid_file.directory >= 0)
		close(pid_file.directory);
	pid_file.fd = pid_file.directory = -1;
}

int
pid_file_take(const char *path)
{
	const char *why, *name;

	if (files_make_parent(path) < 0) {
		log_error("natterd: cannot make the directory of the pid file %s: %s", path, files_why(errno));
		return -1;
	}
	pid_file.directory = way_open(path, &name);
	strlcpy(pid_file.name, name, sizeof(pid_file.name)); /* too long a one is no file's */
	if (pid_file.directory >= 0)
		pid_file.fd = take_lock();
	if (pid_file.fd < 0 && errno == EWOULDBLOCK) {
		log_error("natterd: already running as process %ld (pid file %s)", read_other(), path);
		forget();
		return -1;
	}
	why = pid_file.fd < 0 ? files_why(errno) : fill();
	if (why == NULL)
		return 0;
	log_error("natterd: cannot write the pid file %s: %s", path, why);
	forget();
	return -1;
}

void
pid_file_remove(void)
{
	struct stat ours, there;

	if (pid_file.fd < 0)
		return;
	if (fstat(pid_file.fd, &ours) == 0 &&
	    fstatat(pid_file.directory, pid_file.name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	    ours.st_dev == there.st_dev && ours.st_ino == there.st_ino)
		unlinkat(pid_file.directory, pid_file.name, 0);
	forget();
}
