/* SPDX-License-Identifier: ISC */
/*
 * Making and removing the control socket's file; see control_socket.h.
 */
#include "control_socket.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "files.h"
#include "log.h"
#include "stall.h"
#include "way.h"

#define BACKLOG 64
/* In a second. */
#define LOCK_TRIES 100

static int
new_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Something is at the name: 0 if that was a dead socket and is gone. */
static int
remove_dead(const struct sockaddr_un *name)
{
	struct stat st;
	int fd, result, error;

	if (lstat(name->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return -1;
	}
	fd = new_socket();
	if (fd < 0)
		return -1;
	result = connect(fd, (const struct sockaddr *)name, sizeof(*name));
	error = result < 0 ? errno : 0;
	close(fd);
	if (error == ECONNREFUSED)
		return unlink(name->sun_path);
	/* EAGAIN: a living one with a full backlog. */
	errno = error == 0 || error == EAGAIN ? EADDRINUSE : error;
	return -1;
}

/* bind makes the file with our effective group and umask: both are as the
 * socket's shall be for just this moment, so that it never has others. */
static int
bind_as(int fd, const struct sockaddr_un *name, gid_t gid)
{
	mode_t mask = umask(0117);
	gid_t own = getegid();
	bool changed = gid != (gid_t)-1 && gid != own && setegid(gid) == 0;
	int result = bind(fd, (const struct sockaddr *)name, sizeof(*name)), error = errno;

	if (changed && setegid(own) < 0)
		fatal("natterd: the group %ld cannot be taken again: %s", (long)own, strerror(errno));
	umask(mask);
	errno = error;
	return result;
}

/* setegid was not permitted, or the directory passes its own group on. */
static int
check_group(struct control_socket *s, gid_t gid)
{
	struct stat st;

	if (lstat(s->name.sun_path, &st) < 0)
		return -1;
	s->device = st.st_dev;
	s->inode = st.st_ino;
	if (gid == (gid_t)-1 || st.st_gid == gid)
		return 0;
	return lchown(s->name.sun_path, (uid_t)-1, gid);
}

static int
bind_and_listen(struct control_socket *s, gid_t gid)
{
	int error;

	if (bind_as(s->fd, &s->name, gid) < 0) {
		if (errno != EADDRINUSE || remove_dead(&s->name) < 0 || bind_as(s->fd, &s->name, gid) < 0)
			return -1;
	}
	if (check_group(s, gid) < 0 || listen(s->fd, BACKLOG) < 0) {
		error = errno;
		unlink(s->name.sun_path);
		errno = error;
		return -1;
	}
	return 0;
}

/* Of two that find the same dead socket one would else remove what the other has just put in its place, and one that
 * is bound but does not listen yet looks dead.  Whoever may read the directory can lock it too, and must not keep
 * natterd from starting: so it goes on without the lock, -1, in the end. */
static int
lock_directory(int way)
{
	static const struct timespec pause = {.tv_nsec = 1000000000 / LOCK_TRIES};
	int fd = openat(way, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), i;

	for (i = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && i < LOCK_TRIES; i++)
		nanosleep(&pause, NULL);
	return fd;
}

/* bind and unlink follow any link on the way: way_open says whether there is one of somebody else's. */
static int
make(struct control_socket *s, gid_t gid)
{
	const char *name;
	int way = way_open(s->name.sun_path, &name), lock, result, error;

	if (way < 0)
		return -1;
	lock = lock_directory(way);
	result = bind_and_listen(s, gid);
	error = errno;
	if (lock >= 0)
		close(lock);
	close(way);
	errno = error;
	return result;
}

int
control_socket_open(struct control_socket *s, const char *path, gid_t gid)
{
	int error;

	memset(s, 0, sizeof(*s));
	s->name.sun_family = AF_UNIX;
	if (strlcpy(s->name.sun_path, path, sizeof(s->name.sun_path)) >= sizeof(s->name.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (files_make_parent(path) < 0)
		return -1;
	s->fd = new_socket();
	if (s->fd < 0)
		return -1;
	stall_refuse_descriptors(s->fd);
	if (make(s, gid) < 0) {
		error = errno;
		close(s->fd);
		s->fd = -1;
		errno = error;
		return -1;
	}
	return 0;
}

void
control_socket_close(struct control_socket *s)
{
	struct stat st;

	/* Another natterd may have put its own there. */
	if (lstat(s->name.sun_path, &st) == 0 && st.st_dev == s->device && st.st_ino == s->inode)
		unlink(s->name.sun_path);
	close(s->fd);
}
