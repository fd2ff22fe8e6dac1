/* SPDX-License-Identifier: ISC */
/*
 * Temporary, write, fsync, rename, fsync of the directory; see files.h.  The
 * temporary of PATH is PATH.PID.tmp.
 */
#include "files.h"

#include <bsd/stdlib.h>
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

#include "way.h"

#define TEMPORARY_TRIES 10
#define TEMPORARY_END ".tmp"

/* A status file of "/dev/null" must not cost root its /dev/null. */
static int
check_replaceable(int directory, const char *name)
{
	struct stat st;

	if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	if (S_ISREG(st.st_mode))
		return 0;
	errno = S_ISLNK(st.st_mode) ? ELOOP : S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	return -1;
}

static int
open_new(int directory, const char *name)
{
	return openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* Sets temporary, of size PATH_MAX. */
static int
open_temporary(int directory, const char *name, char *temporary)
{
	int fd, tries = TEMPORARY_TRIES;
	long number = (long)getpid();

	do {
		if (snprintf(temporary, PATH_MAX, "%s.%ld" TEMPORARY_END, name, number) >= PATH_MAX) {
			errno = ENAMETOOLONG;
			return -1;
		}
		fd = open_new(directory, temporary);
		/* The name has our pid: what is there was left by a crash. */
		if (fd < 0 && errno == EEXIST && unlinkat(directory, temporary, 0) == 0)
			fd = open_new(directory, temporary);
		/* Or somebody else's, to keep us from writing, in a directory like /tmp. */
		number = (long)arc4random();
	} while (fd < 0 && (errno == EEXIST || errno == EPERM || errno == EISDIR) && --tries > 0);
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

/* The descriptor of a way is for nothing but names. */
static int
open_for_reading(int directory)
{
	return openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int
sync_directory(int directory)
{
	int fd = open_for_reading(directory), error = 0;

	if (fd < 0)
		return -1;
	/* EINVAL: a file system that has nothing to sync here. */
	if (fsync(fd) < 0 && errno != EINVAL)
		error = errno;
	close(fd);
	errno = error;
	return error == 0 ? 0 : -1;
}

static int
replace(int directory, const char *name, const void *data, size_t length, mode_t mode)
{
	char temporary[PATH_MAX];
	int fd, error;

	if (check_replaceable(directory, name) < 0)
		return -1;
	fd = open_temporary(directory, name, temporary);
	if (fd < 0)
		return -1;
	if (fill(fd, data, length, mode) < 0 || renameat(directory, temporary, directory, name) < 0) {
		error = errno;
		unlinkat(directory, temporary, 0);
		errno = error;
		return -1;
	}
	return sync_directory(directory);
}

static int
close_after(int directory, int result)
{
	int error = errno;

	close(directory);
	errno = error;
	return result;
}

int
files_write_atomically(const char *path, const void *data, size_t length, mode_t mode)
{
	const char *name;
	int directory = way_open(path, &name);

	return directory < 0 ? -1 : close_after(directory, replace(directory, name, data, length, mode));
}

int
files_open(const char *path, int flags, mode_t mode)
{
	const char *name;
	int directory = way_open(path, &name), fd;
	struct stat st;

	if (directory < 0)
		return -1;
	fd = close_after(directory, openat(directory, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, mode));
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink == 1)
		return fd;
	close(fd);
	errno = EMLINK;
	return -1;
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
	const char *file;
	const struct dirent *e;
	int way = way_open(path, &file), fd = way >= 0 ? close_after(way, open_for_reading(way)) : -1;
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;

	if (directory == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(directory)) != NULL)
		if (is_temporary_of(file, e->d_name))
			(void)unlinkat(dirfd(directory), e->d_name, 0);
	closedir(directory);
}

int
files_make_parent(const char *path)
{
	char copy[PATH_MAX];
	const char *name;
	int directory;

	if (strlcpy(copy, path, sizeof(copy)) >= sizeof(copy)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	directory = way_open(dirname(copy), &name);
	if (directory < 0)
		return -1;
	/* Of a file in the root directory it is "". */
	if (name[0] == '\0' || mkdirat(directory, name, 0755) == 0 || errno == EEXIST)
		return close_after(directory, 0);
	return close_after(directory, -1);
}

const char *
files_why(int error)
{
	switch (error) {
	case ELOOP:
		return "it is a symbolic link, or the way to it leads through one that is not root's nor natterd's user's; "
		       "such links are not followed";
	case EMLINK:
		return "it has another name (a hard link), and would change there, too";
	case EPERM:
		return "Operation not permitted; if somebody else's file is there, in a directory where only he may replace "
		       "it, remove it";
	default:
		return strerror(error);
	}
}
