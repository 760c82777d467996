/* SPDX-License-Identifier: Apache-2.0 */
/* other_copies.h - what this copy of the library does for others in the process, and they for it: see collect/current.h.
 *
 * Headers carry between copies what travels beside the ids. So each understands what the other has, whatever formats and
 * fields their tracers have declared, and gets no more than a process beyond a wire would. */
#ifndef DIVAK_API_OTHER_COPIES_H
#define DIVAK_API_OTHER_COPIES_H

#include "api/propagation.h"

/* Once, when this copy can't be unloaded any more. */
void divak_other_copies_init(void);
/* Says once if there is a copy of another version, which has a current span of its own. */
void divak_other_copies_warn(void);

/* `span` as a tracer may write its headers: itself; or, for one of another copy, a parent with what that carries, in
 * `out_own`, to be released after. */
const divak_span *divak_other_copies_adopt(divak_tracer *tracer, const divak_span *span, divak_span *out_own);

#endif
