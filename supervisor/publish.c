/* SPDX-License-Identifier: ISC */
/*
 * From a new report to the log, the status file and the hook; see publish.h.
 */
#include "publish.h"

#include <string.h>
#include <time.h>

#include "hook.h"
#include "log.h"
#include "notify.h"
#include "record.h"
#include "status.h"

/* A mapping that flaps may so often write about it into the log, in so many seconds. */
#define LINES_CREDIT 20
#define LINES_SECONDS 10

static struct {
	publish_observer *observers[PUBLISH_OBSERVERS_MAX];
	size_t observer_count;
	bool log_is_quiet;
} publish;

void
publish_add_observer(publish_observer *observer)
{
	if (publish.observer_count == PUBLISH_OBSERVERS_MAX)
		fatal("natterd: more observers than PUBLISH_OBSERVERS_MAX");
	publish.observers[publish.observer_count++] = observer;
}

void
publish_quiet_log(void)
{
	publish.log_is_quiet = true;
}

static bool
is_loss(const struct report *old, const struct report *new)
{
	return outer_event_between(&old->outer, &new->outer) == OUTER_DOWN;
}

/* The steps on the way to an address, and a doubt that is soon settled, are of
 * interest only to who looks for a fault; where they end is news, once, and so is a
 * worker's death.  That an address is lost is always news, and what somebody asked for no
 * reason to warn. */
static enum log_level
level_of(struct service *s, const struct report *old)
{
	const struct report *r = &s->report;
	bool lasting = r->state == STATE_BACKOFF || s->peer.pid == 0 ||
		       (r->state == old->state && (r->state == STATE_DEGRADED || r->state == STATE_WAITING));

	if (r->state == STATE_STOPPED)
		return LOG_LEVEL_INFO;
	if (!lasting || (!complaints_take(&s->complaints, r->error) && !is_loss(old, r)))
		return LOG_LEVEL_DEBUG;
	if (s->as_asked)
		return LOG_LEVEL_INFO;
	return publish.log_is_quiet ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING;
}

static bool
may_log(struct service *s, enum log_level level)
{
	return level <= log_get_level() && quota_take_line(&s->lines, LINES_CREDIT, LINES_SECONDS, s->mapping.name);
}

static void
log_address(struct service *s)
{
	char now[ADDR_TEXT_SIZE], was[ADDR_TEXT_SIZE];

	if (!may_log(s, LOG_LEVEL_INFO))
		return;
	addr_text(&s->report.outer, now);
	if (addr_is_set(&s->last_outer))
		log_info("%s: open at %s (was %s)", s->mapping.name, now, addr_text(&s->last_outer, was));
	else
		log_info("%s: open at %s", s->mapping.name, now);
}

static void
log_open_again(struct service *s)
{
	enum log_level level = complaints_any(&s->complaints) ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
	char at[ADDR_TEXT_SIZE];

	if (may_log(s, level))
		log_at(level, "%s: open at %s again", s->mapping.name, addr_text(&s->report.outer, at));
	complaints_clear(&s->complaints);
}

static void
log_state(struct service *s, const struct report *old)
{
	char state[RECORD_VALUE_SIZE], was[ADDR_TEXT_SIZE];
	const char *error = s->report.error;
	enum log_level level = level_of(s, old);

	if (!may_log(s, level))
		return;
	record_value(record_find("state"), s, state);
	if (is_loss(old, &s->report) && s->report.state != STATE_STOPPED)
		log_at(level, "%s: lost %s: %s", s->mapping.name, addr_text(&old->outer, was), error);
	else
		log_at(level, "%s: %s%s%s", s->mapping.name, state, error[0] != '\0' ? ": " : "", error);
}

static void
note_event(struct service *s, const struct report *old)
{
	enum outer_event event = outer_event_between(&old->outer, &s->report.outer);

	if (event == OUTER_SAME)
		return;
	s->event = event;
	s->changes[event]++;
	s->old_outer = event == OUTER_UP ? s->last_outer : old->outer;
}

void
publish_report(struct service *s, const struct report *old)
{
	const struct report *new = &s->report;
	bool other_state = new->state != old->state;
	bool other_error = new->error[0] != '\0' && strcmp(new->error, old->error) != 0;
	size_t i;

	if (report_same_news(old, new))
		return; /* only counters moved: natterctl shows them when asked */
	if (other_state)
		s->state_since = time(NULL);
	note_event(s, old);
	if (addr_is_set(&new->outer) && !addr_equal(&new->outer, &s->last_outer)) {
		log_address(s);
		complaints_clear(&s->complaints);
		s->last_outer = new->outer;
	} else if (other_state && new->state == STATE_OPEN) {
		log_open_again(s);
	} else if (other_state || (other_error && new->state != STATE_OPEN)) {
		log_state(s, old);
	}
	if (new->advice[0] != '\0' && strcmp(new->advice, old->advice) != 0 && may_log(s, LOG_LEVEL_INFO))
		log_info("%s: %s", s->mapping.name, new->advice);
	status_write_soon();
	notify_mappings();
	hook_update(s->hook);
	for (i = 0; i < publish.observer_count; i++)
		publish.observers[i](s, old);
}
