/* SPDX-License-Identifier: Apache-2.0 */
/* export.h - what makes a function of Divak visible to C and C++ programs. */
#ifndef DIVAK_EXPORT_H
#define DIVAK_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define DIVAK_BEGIN extern "C" {
#define DIVAK_END }
#else
#define DIVAK_BEGIN
#define DIVAK_END
#endif

/* DIVAK_STATIC is defined where the library is compiled into a program or another library, whose
 * own it stays then: see the end of the first comment in scope.h. */
#if defined(__GNUC__) && defined(DIVAK_STATIC)
#define DIVAK_API __attribute__((visibility("hidden")))
#elif defined(__GNUC__)
#define DIVAK_API __attribute__((visibility("default")))
#else
#define DIVAK_API
#endif

#endif
