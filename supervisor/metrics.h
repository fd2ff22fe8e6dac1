/* SPDX-License-Identifier: ISC */
/*
 * The numbers of all mappings for Prometheus, in its text format 0.0.4:
 *
 *     # HELP natter_mapping_receive_bytes_total Bytes relayed from the Internet to the target.
 *     # TYPE natter_mapping_receive_bytes_total counter
 *     natter_mapping_receive_bytes_total{name="web",protocol="tcp"} 1234
 *
 * What there is of a mapping is said by the field table (record.h).
 */
#ifndef METRICS_H
#define METRICS_H

#include <stdint.h>

/* natterd starts now: what is counted is counted from here on. */
void metrics_open(void);

/* The clock was set so many seconds forward, or back if negative. */
void metrics_shift_start(int64_t seconds);

/* The whole text, to be freed.  Never NULL. */
char *metrics_text(void);

#endif
