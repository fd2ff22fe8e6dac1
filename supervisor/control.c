/* SPDX-License-Identifier: ISC */
/*
 * The control socket's listener; see control.h.  The socket itself is made in
 * control_socket.c, what a client asks is dealt with in control_client.c.
 */
#include "control.h"

#include <event2/listener.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control_client.h"
#include "control_socket.h"
#include "log.h"

#define CLIENTS_MAX 64

static const struct timeval accept_pause = {.tv_sec = 1};

static struct {
	struct event_base *base;
	struct control_socket socket;
	struct evconnlistener *listener;
	struct event *resume; /* accepting, after an error */
} control;

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from, int length, void *context)
{
	static const char full[] = "{\"ok\":false,\"error\":\"natterd has too many clients now; try again\"}\n";

	(void)listener, (void)from, (void)length, (void)context;
	if (control_clients_count() < CLIENTS_MAX && control_client_new(control.base, fd))
		return;
	if (send(fd, full, strlen(full), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("natterd: a client too many left the control socket before it was refused");
	close(fd);
}

/* Without free descriptors accept fails at once again and again. */
static void
on_accept_error(struct evconnlistener *listener, void *context)
{
	(void)context;
	log_warning("natterd: a client of the control socket could not be accepted: %s", strerror(EVUTIL_SOCKET_ERROR()));
	evconnlistener_disable(listener);
	evtimer_add(control.resume, &accept_pause);
}

static void
on_resume(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what, (void)context;
	evconnlistener_enable(control.listener);
}

int
control_open(struct event_base *base, const char *path, gid_t gid)
{
	if (control_socket_open(&control.socket, path, gid) < 0)
		return -1;
	control.base = base;
	control.resume = evtimer_new(base, on_resume, NULL);
	control.listener = evconnlistener_new(base, on_accept, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, control.socket.fd);
	if (control.resume == NULL || control.listener == NULL)
		fatal("natterd: out of memory");
	evconnlistener_set_error_cb(control.listener, on_accept_error);
	return 0;
}

void
control_close(void)
{
	if (control.listener == NULL)
		return;
	control_clients_end();
	evconnlistener_free(control.listener);
	control.listener = NULL;
	event_free(control.resume);
	control_socket_close(&control.socket);
}
