/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dmcp_server_main: options, the listening socket or stdin and stdout, and then the supervised process.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "net/http.h"
#include "server/keeper.h"
#include "server/process.h"

#define BIND_WAIT_MS 1000 /* for a server that was killed a moment ago */

static int bind_patiently(const char *address, int *fd_out, uint16_t *port_out, struct err *e)
{
    uint64_t until = clock_mono_ms() + BIND_WAIT_MS;
    int rc;

    while ((rc = http_bind(address, fd_out, port_out, e)) != DMCP_OK && clock_mono_ms() < until) {
        uv_sleep(20);
    }
    return rc;
}

/* The address with the port that it got: "127.0.0.1:0" is bound to some port. */
static const char *bound_address(struct arena *a, const char *address, uint16_t port)
{
    const char *colon = strrchr(address, ':');
    int n = colon ? (int)(colon - address) : (int)strlen(address);

    return arena_printf(a, "%.*s:%u", n, address, port);
}

static int run_stdio(struct process_config *config, struct err *e)
{
    const struct options *o = config->options;
    struct keeper_config stdio = { .max_line_bytes = o->max_body_bytes,
                                   .max_held_bytes = o->max_input_bytes,
                                   .stop_ms = o->stop_ms };
    struct keeper *keeper;
    sigset_t signals;
    int rc = keeper_take_stdio(&stdio, e);

    if (rc != DMCP_OK) {
        return rc;
    }
    supervisor_signals(&signals);
    keeper = keeper_new(&stdio, &signals);
    config->pipe = keeper_pipe(keeper);
    rc = supervise(process_run, config, keeper);
    keeper_free(keeper);
    return rc;
}

static int run_http(struct process_config *config, struct options *o, struct err *e)
{
    struct crash_note none = { 0 };
    uint16_t port = 0;
    int rc = bind_patiently(o->listen, &config->listen_fd, &port, e);

    if (rc != DMCP_OK) {
        return rc;
    }
    config->address = bound_address(&o->arena, o->listen, port);
    rc = o->no_supervisor ? process_run(config, &none, NULL)
                          : supervise(process_run, config, NULL);
    close(config->listen_fd);
    return rc;
}

static int run(dmcp_server *server, struct options *o, struct err *e)
{
    struct process_config config = { .server = server, .options = o };
    int rc = o->is_stdio ? run_stdio(&config, e) : run_http(&config, o, e);

    return rc == EXIT_LOCKED ? EXIT_CONFIG : rc;
}

static void show_help(const char *program)
{
    struct buf text;

    buf_init(&text, MIB);
    options_help(program, &text);
    fputs(text.data, stdout);
    buf_fini(&text);
}

static int serve(dmcp_server *server, int argc, char **argv)
{
    struct options o;
    struct err e = { 0 };
    int rc = options_read(&o, argc, argv, &e);

    if (rc == DMCP_OK && o.is_help) {
        show_help(argc > 0 ? argv[0] : "server");
    } else if (rc == DMCP_OK && o.is_version) {
        printf("%.*s %.*s (durable-mcp " DMCP_VERSION ")\n", STR_FMT(server->name),
               STR_FMT(server->version));
    } else if (rc == DMCP_OK && server->error.code != DMCP_OK) {
        e = server->error;
        rc = e.code;
    } else if (rc == DMCP_OK) {
        log_set_level(o.log_level);
        rc = run(server, &o, &e);
    }
    if (rc < 0) {
        fprintf(stderr, "cannot start: %s\n", e.text);
        rc = EXIT_CONFIG;
    }
    options_fini(&o);
    return rc;
}

int dmcp_server_main(dmcp_server *server, int argc, char **argv)
{
    int status = serve(server, argc, argv);

    dmcp_server_free(server);
    return status;
}
