/* SPDX-License-Identifier: ISC */
/*
 * Old and new mappings; see config_compare.h.
 */
#include "config_compare.h"

#include <string.h>

#include "config_hosts.h"

enum config_difference
config_compare(const struct config_mapping *old, const struct config_mapping *new)
{
	struct mapping m = new->mapping;

	if (!mapping_same_place(&old->mapping, &m))
		return CONFIG_MOVED;
	m.log_level = old->mapping.log_level;
	if (memcmp(&old->mapping, &m, sizeof(m)) == 0 && config_hosts_equal(&old->stun, &new->stun) &&
	    config_hosts_equal(&old->keep_alive, &new->keep_alive) && hook_settings_equal(&old->hook, &new->hook))
		return CONFIG_SAME;
	return CONFIG_CHANGED;
}

const struct config_mapping *
config_find_place(const struct config *config, const struct mapping *mapping)
{
	const struct config_mapping *m;

	TAILQ_FOREACH(m, &config->mappings, entry)
		if (mapping_same_place(&m->mapping, mapping))
			return m;
	return NULL;
}
