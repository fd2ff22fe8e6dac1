/* SPDX-License-Identifier: ISC */
/*
 * All clients of the control socket; see control_client_state.h.  Nobody is kept out by those
 * that are there: each user has a share of the places, in it the client that has been there
 * longest leaves for a new one, and so does one that does not read when too much is unread.
 */
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "control.h"
#include "control_client.h"
#include "control_client_state.h"

#define CLIENTS_MAX 128
/* Of one user; of these so many may wait for a check, and so many watch. */
#define SHARE_MAX 48
#define WAITING_MAX 16
#define WATCHING_MAX 16
/* In all answers together; what one mapping's has is 3 KiB. */
#define UNREAD_MAX (8 * 1024 * 1024)

struct clients control_clients = LIST_HEAD_INITIALIZER(control_clients);

static bool
is_anybody(const struct client *c)
{
	(void)c;
	return true;
}

static bool
is_waiting(const struct client *c)
{
	return c->waiting;
}

static bool
is_watching(const struct client *c)
{
	return c->watch != NULL;
}

static unsigned int
count(uid_t uid, bool (*is)(const struct client *c))
{
	const struct client *c;
	unsigned int n = 0;

	LIST_FOREACH(c, &control_clients, entry)
		n += c->uid == uid && is(c);
	return n;
}

bool
control_clients_may_wait(uid_t uid)
{
	return count(uid, is_waiting) < WAITING_MAX;
}

bool
control_clients_may_watch(uid_t uid)
{
	return count(uid, is_watching) < WATCHING_MAX;
}

unsigned int
control_clients_count(void)
{
	const struct client *c;
	unsigned int n = 0;

	LIST_FOREACH(c, &control_clients, entry)
		n++;
	return n;
}

static size_t
unread_by(const struct client *c)
{
	return evbuffer_get_length(c->out);
}

static bool
is_asking(const struct client *c)
{
	return !is_waiting(c) && !is_watching(c);
}

/* One whose request has come and was not looked at yet is not idle. */
static bool
is_idle(const struct client *c)
{
	int unread = 0;

	return is_asking(c) && (ioctl(c->fd, FIONREAD, &unread) < 0 || unread == 0);
}

/* Nor is one that has asked for more than it reads. */
static bool
is_slow(const struct client *c)
{
	return is_asking(c) && unread_by(c) > 0;
}

static void
show_out(struct client *c)
{
	static const char full[] = "{\"ok\":false,\"error\":\"natterd has too many clients now; try again\"}\n";

	if (unread_by(c) == 0)
		(void)send(c->fd, full, strlen(full), MSG_NOSIGNAL | MSG_DONTWAIT);
	control_client_free(c);
}

static uid_t
user_with_most(void)
{
	const struct client *c;
	unsigned int n, most = 0;
	uid_t uid = 0;

	LIST_FOREACH(c, &control_clients, entry) {
		n = count(c->uid, is_anybody);
		if (n > most) {
			most = n;
			uid = c->uid;
		}
	}
	return uid;
}

/* The one that connected first, of this user; NULL: none. */
static struct client *
find_oldest(uid_t uid, bool (*is)(const struct client *c))
{
	struct client *c, *oldest = NULL;

	LIST_FOREACH(c, &control_clients, entry)
		if (c->uid == uid && is(c))
			oldest = c;
	return oldest;
}

static void
show_oldest_out(uid_t uid)
{
	struct client *c = find_oldest(uid, is_idle);

	if (c == NULL)
		c = find_oldest(uid, is_slow);
	if (c != NULL)
		show_out(c);
}

/* Who waits is not listened to, and so its end is not heard. */
static void
forget_who_left(void)
{
	struct client *c, *next;

	for (c = LIST_FIRST(&control_clients); c != NULL; c = next) {
		struct pollfd p = {.fd = c->fd};

		next = LIST_NEXT(c, entry);
		if (c->waiting && poll(&p, 1, 0) == 1)
			control_client_free(c);
	}
}

void
control_clients_make_room(uid_t uid)
{
	forget_who_left();
	if (count(uid, is_anybody) >= SHARE_MAX)
		show_oldest_out(uid);
	else if (control_clients_count() >= CLIENTS_MAX)
		show_oldest_out(user_with_most());
}

void
control_clients_limit_unread(const struct client *c)
{
	struct client *other, *most;
	size_t sum;

	do {
		sum = unread_by(c);
		most = NULL;
		LIST_FOREACH(other, &control_clients, entry) {
			if (other == c)
				continue;
			sum += unread_by(other);
			if (most == NULL || unread_by(other) > unread_by(most))
				most = other;
		}
		if (sum > UNREAD_MAX && most != NULL)
			control_client_free(most);
	} while (sum > UNREAD_MAX && most != NULL);
}

void
control_report(const struct service *service, const struct report *old)
{
	struct client *c;

	(void)service, (void)old;
	LIST_FOREACH(c, &control_clients, entry)
		control_client_tell_news(c);
}

void
control_answer_waiting(struct json_object *answer)
{
	struct client *c;

	LIST_FOREACH(c, &control_clients, entry) {
		if (!c->waiting)
			continue;
		c->waiting = false;
		control_client_send(c, answer);
	}
}

void
control_clients_end(void)
{
	struct client *c;

	while ((c = LIST_FIRST(&control_clients)) != NULL)
		control_client_free(c); /* NOLINT(clang-analyzer-unix.Malloc): it takes itself off the list */
}
