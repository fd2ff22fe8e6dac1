/* SPDX-License-Identifier: ISC */
/*
 * The control socket's listener; see control.h.  The socket itself is made in
 * control_socket.c, what a client asks is dealt with in control_client.c.
 */
#include "control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control_client.h"
#include "control_socket.h"
#include "log.h"

/* Then those who are there already have their turn. */
#define ACCEPTS_A_TURN 16

static const struct timeval accept_pause = {.tv_sec = 1};

static struct {
	struct event_base *base; /* NULL: closed */
	struct control_socket socket;
	struct event *acceptable;
	struct event *resume; /* accepting, after an error */
} control;

/* Without free descriptors accept fails at once again and again. */
static void
pause_accepting(void)
{
	log_warning("natterd: a client of the control socket could not be accepted: %s", strerror(errno));
	event_del(control.acceptable);
	evtimer_add(control.resume, &accept_pause);
}

static void
on_acceptable(evutil_socket_t listener, short what, void *context)
{
	int i, fd;

	(void)what, (void)context;
	for (i = 0; i < ACCEPTS_A_TURN; i++) {
		/* cppcheck-suppress nullPointer; accept(2): whoever does not want the address passes NULL */
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			if (!control_client_new(control.base, fd))
				close(fd);
			continue;
		}
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			pause_accepting();
		return;
	}
}

static void
on_resume(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what, (void)context;
	event_add(control.acceptable, NULL);
}

int
control_open(struct event_base *base, const char *path, gid_t gid)
{
	if (control_socket_open(&control.socket, path, gid) < 0)
		return -1;
	control.base = base;
	control.resume = evtimer_new(base, on_resume, NULL);
	control.acceptable = event_new(base, control.socket.fd, EV_READ | EV_PERSIST, on_acceptable, NULL);
	if (control.resume == NULL || control.acceptable == NULL || event_add(control.acceptable, NULL) < 0)
		fatal("natterd: out of memory");
	return 0;
}

void
control_close(void)
{
	if (control.base == NULL)
		return;
	control.base = NULL;
	control_clients_end();
	event_free(control.acceptable);
	event_free(control.resume);
	control_socket_close(&control.socket);
}
