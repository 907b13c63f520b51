/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of the server to the client: the user's callback is asked, and the answer is posted.
 */
#include "base/log.h"
#include "client/client.h"
#include "json/rpc.h"

struct dmcp_question {
    struct str id; /* JSON text */
    const char *method;
    char *params; /* JSON text, or NULL */
    struct buf answer;
};

static void refuse(dmcp_question *q, int code, const char *message)
{
    buf_reset(&q->answer);
    rpc_write_error(&q->answer, q->id, code, str_of(message), STR_NONE);
}

void question_ask(struct dmcp_client *c, const struct rpc_message *m)
{
    dmcp_question q = { .id = rpc_id(m), .method = m->method.p };
    struct buf params;

    buf_init(&params, SIZE_MAX / 2);
    buf_init(&q.answer, LIMIT_MESSAGE_BYTES);
    if (m->params) {
        json_write(&params, m->params);
        q.params = params.data;
    }
    if (c->o.on_question) {
        c->is_in_callback = true;
        c->o.on_question(c, &q, c->o.arg);
        c->is_in_callback = false;
        if (q.answer.len == 0) {
            refuse(&q, RPC_INTERNAL, "the client gave no answer, or one that is too big");
        }
    } else {
        refuse(&q, RPC_METHOD_NOT_FOUND, "this client answers no such request");
    }
    session_post(c, buf_str(&q.answer));
    buf_fini(&q.answer);
    buf_fini(&params);
}

const char *dmcp_question_method(const dmcp_question *question)
{
    return question->method;
}

const char *dmcp_question_params(const dmcp_question *question)
{
    return question->params;
}

int dmcp_question_answer(dmcp_question *question, const char *result_json)
{
    yyjson_doc *doc;
    bool is_object;

    if (!result_json || json_read(str_of(result_json), &doc, NULL)) {
        return DMCP_E_INVALID;
    }
    is_object = yyjson_is_obj(yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    if (!is_object) {
        return DMCP_E_INVALID;
    }
    buf_reset(&question->answer);
    rpc_write_result(&question->answer, question->id, str_of(result_json));
    return DMCP_OK;
}

void dmcp_question_refuse(dmcp_question *question, int code, const char *message)
{
    refuse(question, code, message ? message : "refused");
}
