/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fault points. See fault.h. The state below exists for tests only and is set from the
 * environment at the first passage.
 */
#include "base/fault.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"

atomic_int fault_armed = -1;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char armed_name[64];
static char armed_action[16];
static uint64_t armed_n, passages;

/* "name:n" or "name:n:action"; false when it is neither. */
static bool parse(const char *text)
{
    const char *colon = strchr(text, ':'), *second;
    struct str n;

    if (!colon || (size_t)(colon - text) >= sizeof(armed_name)) {
        return false;
    }
    memcpy(armed_name, text, (size_t)(colon - text));
    second = strchr(colon + 1, ':');
    n = second ? str_make(colon + 1, (size_t)(second - colon - 1)) : str_of(colon + 1);
    second = second ? second + 1 : "kill";
    if (strlen(second) >= sizeof(armed_action)) {
        return false;
    }
    memcpy(armed_action, second, strlen(second) + 1);
    return str_to_u64(n, UINT32_MAX, &armed_n) == DMCP_OK && armed_n > 0;
}

static void arm(void)
{
    const char *text = getenv("DMCP_FAULT");

    if (text && text[0] && !parse(text)) {
        log_error("DMCP_FAULT=%s is not name:n or name:n:action; ignored", text);
        text = NULL;
    }
    atomic_store(&fault_armed, text && text[0] ? 1 : 0);
}

/* True when this passage is the armed one, or a later one. */
static bool is_due(const char *name)
{
    bool due = false;

    pthread_mutex_lock(&lock);
    if (atomic_load(&fault_armed) < 0) {
        arm();
    }
    if (atomic_load(&fault_armed) > 0 && strcmp(name, armed_name) == 0) {
        due = ++passages >= armed_n;
    }
    pthread_mutex_unlock(&lock);
    return due;
}

void fault_pass(const char *name)
{
    if (!is_due(name)) {
        return;
    }
    if (strcmp(armed_action, "kill") == 0) {
        kill(getpid(), SIGKILL);
    } else if (strcmp(armed_action, "stop") == 0) {
        kill(getpid(), SIGSTOP);
    }
}

int fault_fails(const char *name)
{
    if (!is_due(name)) {
        return 0;
    }
    if (strcmp(armed_action, "enospc") == 0) {
        return ENOSPC;
    }
    if (strcmp(armed_action, "enomem") == 0) {
        return ENOMEM;
    }
    return strcmp(armed_action, "eio") == 0 ? EIO : 0;
}
