/* SPDX-License-Identifier: Apache-2.0 */
/* flags.h - bits of divak_span.flags that are Divak's own; those below 1 << 16 are public, in
 * divak/span.h. */
#ifndef DIVAK_MODEL_FLAGS_H
#define DIVAK_MODEL_FLAGS_H

enum {
    /* The headers were malformed and the setting "extract_failure" is `tag`: the root that starts
     * under this value gets the tag error.extract. */
    DIVAK_SPAN_EXTRACT_FAILED = 1 << 16,
    /* This value itself, not a slot, holds its baggage, until divak_span_release. Never passed on
     * to a child. */
    DIVAK_SPAN_OWNS_BAGGAGE = 1 << 17,
    /* Came out of a start, but without ids, since tracing is off: what it is made to carry is held
     * by a slot as for other spans, and let go by its end. Never passed on to a child. */
    DIVAK_SPAN_STARTED = 1 << 18
};

#endif
