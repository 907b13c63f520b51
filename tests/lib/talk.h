/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MCP as a raw client speaks it: sessions, calls and streams over raw_http.h. The test says when
 * something is sent, and sees every event with its id; nothing is repeated behind its back, unless
 * it asks for that (ask_finish_anyhow).
 */
#ifndef TESTS_TALK_H
#define TESTS_TALK_H

#include "raw_http.h"

/* A session. */
struct talk {
    uint16_t port;
    char version[16];
    char session[64];
};

/* initialize and notifications/initialized. */
void talk_begin(struct talk *t, uint16_t port, const char *version);
/* The same with these capabilities, an object's text, instead of none. */
void talk_begin_as(struct talk *t, uint16_t port, const char *version, const char *capabilities);

/* initialize alone. */
void talk_initialize(struct talk *t, uint16_t port, const char *version, const char *capabilities);

/* Each on a connection of its own, which is the caller's: raw_close. A body is JSON text. */
struct raw *talk_post(const struct talk *t, const char *body);
struct raw *talk_try_post(const struct talk *t, const char *body); /* NULL: nobody listens */
struct raw *talk_get(const struct talk *t, const char *last_event_id); /* NULL: none */
int talk_delete(const struct talk *t);                                 /* the status */

/* The whole JSON answer to a request that is answered so. The caller frees it with mem_free. */
char *talk_request(const struct talk *t, const char *body);

/* What came, in order, on all the streams that it was given. */
struct heard {
    char **messages; /* notifications and requests, as JSON text */
    size_t n;
    char *last_id; /* of the last event with an id; NULL */
    char *answer;  /* the response as JSON text; NULL */
};

void heard_init(struct heard *h);
void heard_fini(struct heard *h);

/* One more event, or the whole JSON answer. False: the stream is over. */
bool talk_hear_one(struct raw *r, struct heard *h);
/* Until n messages were heard in all. False: there came an answer, or the end of the stream. */
bool talk_hear(struct raw *r, struct heard *h, size_t n);

/* A tools/call and what came of it. */
struct ask {
    const struct talk *t;
    char *body;
    struct raw *raw; /* the connection that listens now; NULL: none */
    struct heard heard;
    int n_posts, n_gets;
    const char *says;  /* to each question: JSON text of "result" or "error" and its value; NULL: nothing */
    size_t n_looked;   /* messages in which questions were looked for */
};

/* Sends it, with a progress token, if anybody listens. `fmt` makes the arguments, an object's text. */
void ask_begin(struct ask *a, const struct talk *t, int id, const char *tool, const char *fmt, ...)
    PRINTF(5, 6);
void ask_end(struct ask *a);

/* Hangs up, in the middle of whatever it is. */
void ask_hang_up(struct ask *a);

/* Comes back as a client does: by GET behind the last event, or by the same POST when there was
 * none. False: nobody listens, or the server asks to come later. Any other status but 200 fails the
 * test. */
bool ask_again(struct ask *a);

bool ask_hear(struct ask *a, size_t n); /* as talk_hear */
void ask_hear_id(struct ask *a);        /* until there is an event to resume behind */
bool ask_finish(struct ask *a);         /* until the answer; false: the stream ended before */
void ask_finish_anyhow(struct ask *a);  /* the same, coming back as often as it takes */

/* Answers the question in this message. What comes of that may take the server down before it has
 * thanked for it, and it may be down already. */
void ask_answer(const struct ask *a, const char *message, const char *says);

/* The answer's result has this as a part of its JSON text. */
void ask_expect(const struct ask *a, const char *part);

#endif
