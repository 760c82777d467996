/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint_supply.h - asks the program where the collector is by now, and moves a reporter there.
 *
 *     ask --> same as before, or nothing new --> go on
 *         |-> another endpoint --> new target; requests under way to the old one end there
 *         +-> no endpoint, or none that is accepted --> counted, the last good one stays
 *
 * On the flusher's thread alone, at most once an interval, and only when there is something to send.
 */
#ifndef DIVAK_EXPORT_ENDPOINT_SUPPLY_H
#define DIVAK_EXPORT_ENDPOINT_SUPPLY_H

#include "export/flusher_state.h"

/* Asks and moves when that is due; nothing for a reporter without a supplier. */
void divak_endpoint_supply_turn(divak_flusher *flusher, divak_reporter *reporter);

#endif
