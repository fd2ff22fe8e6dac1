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
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "log.h"
#include "way.h"

#define FLAGS (O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

static struct {
	int directory; /* -1: there is no pid file */
	char name[NAME_MAX + 1]; /* in it */
	int fd;
} pid_file = {.directory = -1, .fd = -1};

/* 0: it is not written there. */
static long
read_other(void)
{
	char text[16] = "";
	int fd = openat(pid_file.directory, pid_file.name, O_RDONLY | FLAGS);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	if (fd >= 0)
		close(fd);
	return n > 0 ? strtol(text, NULL, 10) : 0;
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
		pid_file.fd = flopenat(pid_file.directory, name, O_WRONLY | O_CREAT | FLAGS, 0644);
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
