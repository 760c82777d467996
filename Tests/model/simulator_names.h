/* SPDX-License-Identifier: Apache-2.0 */
/* simulator_names.h - included first by everything under test: calls of the library that touch memory or threads become
 * calls of the simulator. */
#define memcpy sim_memcpy
#define memmove sim_memmove
#define memset sim_memset
#define memcmp sim_memcmp
#define malloc sim_malloc
#define realloc sim_realloc
#define free sim_free
#define pthread_mutex_lock sim_mutex_lock
#define pthread_mutex_unlock sim_mutex_unlock
#define pthread_cond_timedwait sim_cond_timedwait
#define pthread_cond_broadcast sim_cond_broadcast
#define pthread_create sim_pthread_create
#define pthread_setname_np sim_setname_np
#define pthread_key_create sim_key_create
#define pthread_setspecific sim_setspecific
#define pthread_atfork sim_atfork
