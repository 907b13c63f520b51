/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UUIDv7 for authors: the process's one generator behind a lock, and bounds and times by value.
 */
#include <pthread.h>

#include "base/clock.h"
#include "call/internal.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct uuid7 generator;

struct id uuid_new(void)
{
    uint8_t random[10];
    struct id id;

    random_bytes(random, sizeof(random));
    pthread_mutex_lock(&lock);
    id = uuid7_next(&generator, clock_wall_ms(), random);
    pthread_mutex_unlock(&lock);
    return id;
}

void dmcp_uuid7_create(char text_out[37])
{
    id_to_uuid(uuid_new(), text_out);
}

void dmcp_uuid7_from_ms(uint64_t ms, char text_out[37])
{
    id_to_uuid(uuid7_from_ms(ms), text_out);
}

int dmcp_uuid7_ms(const char *text, uint64_t *ms_out)
{
    struct id id;
    int rc = id_from_uuid(str_of(text), &id);

    if (rc != DMCP_OK || !uuid7_is(id)) {
        return DMCP_E_INVALID;
    }
    *ms_out = uuid7_ms(id);
    return DMCP_OK;
}
