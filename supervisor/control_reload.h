/* SPDX-License-Identifier: ISC */
/*
 * The answer to the command "reload".
 */
#ifndef CONTROL_RELOAD_H
#define CONTROL_RELOAD_H

#include <json-c/json.h>

/* Reads natter.cfg again and says in answer, which says "ok" already, what came of it. */
void control_reload(struct json_object *answer);

#endif
