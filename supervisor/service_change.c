/* SPDX-License-Identifier: ISC */
/*
 * Mappings that go on with other settings or servers; see service.h.
 */
#include "service.h"

#include <string.h>

#include "broker.h"
#include "hook.h"
#include "log.h"
#include "servers.h"

/* A mapping with another name is gone for whoever was told of it, and another one is there. */
static void
change_hook(struct service *s, const struct config *config, const struct config_mapping *m)
{
	if (strcmp(s->mapping.name, m->mapping.name) != 0) {
		hook_retire(s->hook);
		s->hook = hook_new(event_get_base(s->restart), s, &m->hook, config->directory);
	} else if (!hook_settings_equal(&s->config->hook, &m->hook)) {
		hook_change(s->hook, &m->hook);
	}
}

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
service_change(struct service *s, const struct config *config, const struct config_mapping *m)
{
	struct mapping old = s->mapping;

	change_hook(s, config, m);
	s->config = m;
	s->mapping = m->mapping;
	if (memcmp(&old, &s->mapping, sizeof(old)) != 0) {
		change_held(s, old.congestion_control);
		peer_send_mapping(&s->peer);
	}
	hook_update(s->hook);
}

/* Everybody is told of the loss while the mapping is still what was lost. */
void
service_move(struct service *s, const struct config *config, const struct config_mapping *m)
{
	s->failures = 0;
	s->as_asked = true;
	service_renew(s, "natter.cfg has another address, port or protocol for it");
	change_hook(s, config, m);
	s->config = m;
	s->mapping = m->mapping;
	memset(&s->portloss, 0, sizeof(s->portloss));
	interface_init(&s->interface, &s->mapping);
}

void
services_update_servers(void)
{
	struct servers servers;
	struct service *s;

	TAILQ_FOREACH(s, services_all(), entry) {
		servers_list(s, &servers);
		if (memcmp(&servers, &s->servers, sizeof(servers)) == 0)
			continue;
		s->servers = servers;
		peer_send_servers(&s->peer, &servers);
	}
	servers_forget_unused();
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
