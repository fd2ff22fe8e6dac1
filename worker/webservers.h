/* SPDX-License-Identifier: ISC */
/*
 * Which keep-alive server comes next: one after the other, but never one that is in use,
 * and not one that failed lately while another will do.  Remembers of each how long it
 * bears an idle connection.
 */
#ifndef WEBSERVERS_H
#define WEBSERVERS_H

#include <stdbool.h>

#include "mapping.h"

struct uplink;
struct webservers;

/* *servers must outlive it and may change.  uplink is told of servers that fail. */
struct webservers *webservers_new(const struct servers *servers, struct uplink *uplink);
void webservers_free(struct webservers *w);

/* How many different addresses there are. */
unsigned int webservers_count(const struct webservers *w);

typedef bool webservers_busy(void *context, const struct addr *addr);

/* The next one that is not busy, or NULL; then *wait is in how many seconds one may be
 * asked for again, 0: not before one is free.  urgent: take also one that failed. */
const struct server *webservers_choose(struct webservers *w, webservers_busy *busy, void *context, bool urgent,
    double *wait);

/* It failed, and none is known to work: in need the others are tried before it. */
void webservers_note_vain(struct webservers *w, const struct addr *addr);
/* It failed, while another one works: others are to leave it alone, too. */
void webservers_note_failure(struct webservers *w, const struct addr *addr);
/* A connection to it was good for so many seconds; most: the longest pause that it may get
 * if it closed at once again and again. */
void webservers_note_life(struct webservers *w, const struct addr *addr, double seconds, double most);
/* Did it close at once again and again? */
bool webservers_is_fickle(const struct webservers *w, const struct addr *addr);
/* One was reached, so that what was in vain before need not be so any more. */
void webservers_note_contact(struct webservers *w);
/* It works. */
void webservers_note_success(struct webservers *w, const struct addr *addr);

/* Seconds of idleness after which it closes a connection; 0: not known. */
double webservers_idle_limit(const struct webservers *w, const struct addr *addr);
/* It closed one after so many seconds of idleness, without a word. */
void webservers_note_idle_end(struct webservers *w, const struct addr *addr, double seconds);

#endif
