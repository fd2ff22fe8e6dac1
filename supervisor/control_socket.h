/* SPDX-License-Identifier: ISC */
/*
 * A listening Unix stream socket in the file system: made with the right group
 * and mode, in the place of a dead one, and removed again.
 */
#ifndef CONTROL_SOCKET_H
#define CONTROL_SOCKET_H

#include <sys/types.h>
#include <sys/un.h>

struct control_socket {
	int fd; /* listening, non-blocking */
	struct sockaddr_un name;
	dev_t device; /* of the file that bind made */
	ino_t inode;
};

/* Returns and rules: control_open's. */
int control_socket_open(struct control_socket *s, const char *path, gid_t gid);
void control_socket_close(struct control_socket *s);

#endif
