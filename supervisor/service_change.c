/* SPDX-License-Identifier: ISC */
/*
 * Mappings that go on with other settings; see service.h.
 */
#include "service.h"

#include <string.h>

#include "broker.h"
#include "log.h"

/* What is held of the worker's sockets is what the mapping needs now. */
static void
change_held(struct service *s, const char *congestion_control)
{
	int fd = held_find(&s->held, SOCKET_SERVE);

	if (!mapping_is_served(&s->mapping))
		held_forget(&s->held, SOCKET_SERVE);
	else if (fd >= 0 && strcmp(s->mapping.congestion_control, congestion_control) != 0)
		broker_change_congestion_control(fd, &s->mapping);
}

void
service_change(struct service *s, const struct config_mapping *m)
{
	struct mapping old = s->mapping;

	s->config = m;
	s->mapping = m->mapping;
	if (memcmp(&old, &s->mapping, sizeof(old)) == 0)
		return;
	change_held(s, old.congestion_control);
	peer_send_mapping(&s->peer);
}

void
services_set_log_level(enum log_level level)
{
	struct service *s;

	log_set_level(level);
	TAILQ_FOREACH(s, services_all(), entry) {
		s->mapping.log_level = level;
		peer_send_mapping(&s->peer);
	}
}
