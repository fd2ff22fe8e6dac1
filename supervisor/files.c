/* SPDX-License-Identifier: ISC */
/*
 * Temporary, write, fsync, rename, fsync of the directory; see files.h.
 */
#include "files.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A status file of "/dev/null" must not cost root its /dev/null. */
static int
check_replaceable(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -1;
	if (S_ISREG(st.st_mode))
		return 0;
	errno = S_ISLNK(st.st_mode) ? ELOOP : S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	return -1;
}

static int
open_temporary(const char *path)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = open(path, flags, 0600);

	/* The name has our pid: what is there was left by a crash. */
	if (fd < 0 && errno == EEXIST && unlink(path) == 0)
		fd = open(path, flags, 0600);
	return fd;
}

static int
write_all(int fd, const char *data, size_t length)
{
	ssize_t n;

	while (length > 0) {
		n = write(fd, data, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		length -= (size_t)n;
	}
	return 0;
}

static int
fill(int fd, const void *data, size_t length, mode_t mode)
{
	int error = 0;

	if (write_all(fd, data, length) < 0 || fchmod(fd, mode) < 0 || fsync(fd) < 0)
		error = errno;
	if (close(fd) < 0 && error == 0)
		error = errno;
	errno = error;
	return error == 0 ? 0 : -1;
}

static int
sync_directory_of(const char *path)
{
	char copy[PATH_MAX];
	int fd, error = 0;

	if (strlcpy(copy, path, sizeof(copy)) >= sizeof(copy)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	/* EINVAL: a file system that has nothing to sync here. */
	if (fsync(fd) < 0 && errno != EINVAL)
		error = errno;
	close(fd);
	errno = error;
	return error == 0 ? 0 : -1;
}

int
files_write_atomically(const char *path, const void *data, size_t length, mode_t mode)
{
	char temporary[PATH_MAX];
	int fd, error;

	if (check_replaceable(path) < 0)
		return -1;
	if (snprintf(temporary, sizeof(temporary), "%s.%ld.tmp", path, (long)getpid()) >= (int)sizeof(temporary)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open_temporary(temporary);
	if (fd < 0)
		return -1;
	if (fill(fd, data, length, mode) < 0 || rename(temporary, path) < 0) {
		error = errno;
		unlink(temporary);
		errno = error;
		return -1;
	}
	return sync_directory_of(path);
}

int
files_make_parent(const char *path)
{
	char copy[PATH_MAX];

	if (strlcpy(copy, path, sizeof(copy)) >= sizeof(copy)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return mkdir(dirname(copy), 0755) < 0 && errno != EEXIST ? -1 : 0;
}
