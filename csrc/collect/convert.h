/* SPDX-License-Identifier: Apache-2.0 */
/* convert.h - a record's times, from ticks as it comes out of a lane to microseconds as it goes into the store. */
#ifndef DIVAK_COLLECT_CONVERT_H
#define DIVAK_COLLECT_CONVERT_H

#include "collect/engine.h"

/* In place; for the drainer. Ends before their starts count `negative_duration` and last 1 microsecond. */
void divak_record_convert_times(divak_tracer *tracer, divak_record *record);

#endif
