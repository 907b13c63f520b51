/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the keeper holds: the host's lines until they are dealt with, and the bytes on their way in
 * all four directions. It moves no bytes itself (keeper.c does).
 */
#ifndef SERVER_HOLD_H
#define SERVER_HOLD_H

#include "base/hmap.h"
#include "base/list.h"
#include "json/rpc_scan.h"
#include "server/fifo.h"

struct hold {
    struct hmap by_number; /* number -> struct message */
    struct list waiting;   /* struct message: to be handed over, in this order */
    struct list handed;
    size_t waiting_bytes, bytes; /* of those that wait; of all */
    uint64_t last_number;
    uint64_t sequence; /* of the session's own stream: what the host has got */
    struct buf line;   /* that is not complete */
    size_t max_line_bytes, max_bytes;
    bool is_skipping;  /* a line that is too long, to its end; */
    struct rpc_scan scan; /* it is looked through for its id */
    bool is_end, is_end_told; /* of the input; the server process knows */
    bool has_session;  /* the host was told that its session is open */
    bool is_mute;      /* the host does not listen any more */
    struct fifo to_host, to_server, from_server;
};

/* From max_bytes on requests are refused; at twice that nothing more is read. */
void hold_init(struct hold *h, size_t max_line_bytes, size_t max_bytes);
void hold_fini(struct hold *h);

/* From the host. */
bool hold_takes_input(const struct hold *h);
void hold_take_input(struct hold *h, struct str bytes);
void hold_end_input(struct hold *h);
void hold_mute(struct hold *h);

/* From the server process: what is in from_server. */
bool hold_takes_frames(const struct hold *h);
void hold_take_frames(struct hold *h);

/* Fills to_server. */
void hold_hand_over(struct hold *h);

/* The server process is dead: all that it has not dealt with waits again. */
void hold_take_back(struct hold *h);

#endif
