/* SPDX-License-Identifier: ISC */
/*
 * A v0.9 configuration (JSON) as a natter.cfg on standard output.  Nothing of
 * it is lost: what is not taken over stands in a comment with the reason.  Asks
 * no natterd.
 */
#ifndef NATTERCTL_IMPORT_H
#define NATTERCTL_IMPORT_H

/* Imports FILE, or standard input if it is called "-".  Returns natterctl's exit
 * status (natterctl_ask.h); if it is not NATTERCTL_OK every mistake has been
 * printed and nothing else. */
int natterctl_import(const char *file);

#endif
