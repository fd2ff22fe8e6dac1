/* SPDX-License-Identifier: ISC */
/*
 * A socket that a worker had is its successor's inheritance.  A worker that a stranger had taken
 * over may have spoilt it: made it deaf, slow, or waiting where nobody waits.  It is compared with
 * one that was made just now; what the kernel does not tell (TCP_MD5SIG, a reuseport group's
 * program) the worker's filter of system calls keeps it from.
 */
#ifndef UNTOUCHED_H
#define UNTOUCHED_H

#include <stdbool.h>

#include "mapping.h"
#include "message.h"

/* Is fd, which was made for this use and which nobody else has any more, still what broker.h
 * makes, but for what natter's own worker does with it?  It is non-blocking and signals nobody then. */
bool untouched(int fd, const struct mapping *mapping, enum socket_use use);

#endif
