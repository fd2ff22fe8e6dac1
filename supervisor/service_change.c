/* SPDX-License-Identifier: ISC */
/*
 * Mappings that go on with other settings; see service.h.
 */
#include "service.h"

#include "log.h"

void
service_change(struct service *s, const struct config_mapping *m)
{
	s->config = m;
	s->mapping = m->mapping;
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
