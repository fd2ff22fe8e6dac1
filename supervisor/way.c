/* SPDX-License-Identifier: ISC */
/*
 * A step for each part of a path; see way.h.
 */
#include "way.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As many as the kernel follows. */
#define LINKS_MAX 40

struct way {
	int fd;              /* the directory so far */
	char rest[PATH_MAX]; /* relative to it */
	unsigned int links;  /* that were followed */
};

static void
go_to(struct way *w, int fd)
{
	int error = errno;

	close(w->fd);
	w->fd = fd;
	errno = error;
}

static int
open_start(const char *path)
{
	return open(path[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* What it says takes the place of the part. */
static int
follow(struct way *w, int link, const struct stat *st)
{
	char target[PATH_MAX], all[2 * PATH_MAX];
	ssize_t n;

	if ((st->st_uid != 0 && st->st_uid != geteuid()) || ++w->links > LINKS_MAX) {
		errno = ELOOP;
		return -1;
	}
	n = readlinkat(link, "", target, sizeof(target) - 1);
	if (n < 0)
		return -1;
	target[n] = '\0';
	snprintf(all, sizeof(all), "%s/%s", target, w->rest);
	if (strlcpy(w->rest, all, sizeof(w->rest)) >= sizeof(w->rest)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (target[0] == '/')
		go_to(w, open_start(target));
	return w->fd < 0 ? -1 : 0;
}

static int
step(struct way *w, const char *part)
{
	int next = openat(w->fd, part, O_PATH | O_NOFOLLOW | O_CLOEXEC), result = -1;
	struct stat st;

	if (next < 0)
		return -1;
	if (fstat(next, &st) == 0) {
		if (!S_ISLNK(st.st_mode)) {
			go_to(w, next);
			return 0;
		}
		result = follow(w, next, &st);
	}
	close(next);
	return result;
}

/* Cuts it off the rest; false: there is none. */
static bool
take_part(struct way *w, char part[NAME_MAX + 2])
{
	char *begin = w->rest + strspn(w->rest, "/");
	size_t length = strcspn(begin, "/");

	if (length == 0)
		return false;
	/* Too long a name is refused by openat, cut or not. */
	snprintf(part, NAME_MAX + 2, "%.*s", (int)length, begin);
	memmove(w->rest, begin + length, strlen(begin + length) + 1);
	return true;
}

int
way_open(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	struct way w = {.fd = open_start(path)};
	char part[NAME_MAX + 2];

	*name = slash != NULL ? slash + 1 : path;
	if (snprintf(w.rest, sizeof(w.rest), "%.*s", (int)(*name - path), path) >= (int)sizeof(w.rest)) {
		errno = ENAMETOOLONG;
		go_to(&w, -1);
	}
	while (w.fd >= 0 && take_part(&w, part))
		if (step(&w, part) < 0)
			go_to(&w, -1);
	return w.fd;
}
