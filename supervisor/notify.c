/* SPDX-License-Identifier: ISC */
/*
 * Datagrams to a service manager; see notify.h.
 */
#include "notify.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "service.h"

static struct {
	struct sockaddr_un name;
	socklen_t length; /* of name; 0: nobody is to be told */
	char mappings[80]; /* what was last told of them */
} notify;

void
notify_open(bool wanted)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length = path != NULL ? strlen(path) : 0;

	memset(&notify, 0, sizeof(notify));
	notify.name.sun_family = AF_UNIX;
	if (wanted && length > 1 && length < sizeof(notify.name.sun_path) && (path[0] == '/' || path[0] == '@')) {
		memcpy(notify.name.sun_path, path, length);
		if (path[0] == '@')
			notify.name.sun_path[0] = '\0'; /* in no file system: unix(7), abstract */
		notify.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	} else if (wanted && length > 0) {
		log_warning("natterd: NOTIFY_SOCKET names no socket that can be used: %s", path);
	}
	unsetenv("NOTIFY_SOCKET");
}

/* A manager that takes nothing any more must not hold us up for longer than this. */
static int
send_datagram(const char *text, size_t length)
{
	struct timeval patience = {.tv_sec = 1};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
	    sendto(fd, text, length, MSG_NOSIGNAL, (struct sockaddr *)&notify.name, notify.length) < 0)
		error = errno;
	close(fd);
	errno = error;
	return error == 0 ? 0 : -1;
}

static void __attribute__((format(printf, 1, 2)))
tell(const char *format, ...)
{
	char text[256];
	va_list arguments;

	if (notify.length == 0)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (send_datagram(text, strlen(text)) < 0)
		log_warning("natterd: the service manager cannot be told \"%.*s\": %s", (int)strcspn(text, "\n"), text,
		    strerror(errno));
}

void
notify_ready(void)
{
	tell("READY=1\nMAINPID=%ld", (long)getpid());
	notify.mappings[0] = '\0';
	notify_mappings();
}

void
notify_reloading(void)
{
	struct timespec now;

	/* By the time a manager tells this reload's READY from an earlier one's. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	tell("RELOADING=1\nMONOTONIC_USEC=%lld", now.tv_sec * 1000000LL + now.tv_nsec / 1000);
}

void
notify_stopping(void)
{
	tell("STOPPING=1\nSTATUS=ending");
}

void
notify_mappings(void)
{
	char text[sizeof(notify.mappings)];
	size_t open = 0, all = 0;
	struct service *s;

	if (notify.length == 0)
		return;
	TAILQ_FOREACH (s, services_all(), entry) {
		open += s->report.state == STATE_OPEN;
		all++;
	}
	snprintf(text, sizeof(text), "STATUS=%zu of %zu mapping%s open", open, all, all == 1 ? "" : "s");
	if (strcmp(text, notify.mappings) == 0)
		return;
	strlcpy(notify.mappings, text, sizeof(notify.mappings));
	tell("%s", text);
}
