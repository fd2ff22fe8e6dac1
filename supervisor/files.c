/* SPDX-License-Identifier: ISC */
/*
 * Temporary, write, fsync, rename, fsync of the directory; see files.h.  The
 * temporary of PATH is PATH.PID.tmp.
 */
#include "files.h"

#include <bsd/string.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY_END ".tmp"

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
	if (snprintf(temporary, sizeof(temporary), "%s.%ld" TEMPORARY_END, path, (long)getpid()) >=
	    (int)sizeof(temporary)) {
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

static bool
is_temporary_of(const char *file, const char *name)
{
	size_t length = strlen(file), digits;

	if (strncmp(name, file, length) != 0 || name[length] != '.')
		return false;
	name += length + 1;
	digits = strspn(name, "0123456789");
	return digits > 0 && strcmp(name + digits, TEMPORARY_END) == 0;
}

void
files_remove_leftovers(const char *path)
{
	char copy[PATH_MAX];
	const char *slash = strrchr(path, '/'), *file = slash != NULL ? slash + 1 : path;
	const struct dirent *e;
	DIR *directory;

	if (strlcpy(copy, path, sizeof(copy)) >= sizeof(copy))
		return;
	directory = opendir(dirname(copy));
	if (directory == NULL)
		return;
	while ((e = readdir(directory)) != NULL)
		if (is_temporary_of(file, e->d_name))
			(void)unlinkat(dirfd(directory), e->d_name, 0);
	closedir(directory);
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
