/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From "host:port" to a listening socket.
 */
#include "harness.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "net/http.h"

static int family_of(int fd)
{
    struct sockaddr_storage a;
    socklen_t n = sizeof(a);

    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    return a.ss_family;
}

static int bind_or_fail(const char *address, uint16_t *port_out)
{
    struct err e;
    int fd = -1;

    if (http_bind(address, &fd, port_out, &e) != 0) {
        fail_msg("%s", e.text);
    }
    return fd;
}

static void expect_error(const char *address, const char *text)
{
    struct err e;
    uint16_t port = 7;
    int fd = 7;

    assert_int_equal(http_bind(address, &fd, &port, &e), DMCP_E_NET);
    assert_string_equal(e.text, text);
    assert_int_equal(fd, 7);
    assert_int_equal(port, 7);
}

TEST(http_bind, an_ipv4_address_is_bound_and_its_port_told)
{
    uint16_t port = 0;
    int fd = bind_or_fail("127.0.0.1:0", &port);

    assert_int_equal(family_of(fd), AF_INET);
    assert_int_not_equal(port, 0);
    close(fd);
}

TEST(http_bind, an_ipv6_address_stands_in_brackets)
{
    uint16_t port = 0;
    struct err e;
    int fd;

    if (http_bind("[::1]:0", &fd, &port, &e) != 0) {
        test_skip("IPv6");
    }
    assert_int_equal(family_of(fd), AF_INET6);
    assert_int_not_equal(port, 0);
    close(fd);
}

TEST(http_bind, a_name_is_looked_up_and_its_ipv4_address_preferred)
{
    int fd = bind_or_fail("localhost:0", NULL);

    assert_int_equal(family_of(fd), AF_INET);
    close(fd);
}

TEST(http_bind, the_socket_is_not_inherited_by_programs_that_are_started)
{
    int fd = bind_or_fail("127.0.0.1:0", NULL);

    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
}

TEST(http_bind, a_port_can_be_bound_again_while_old_connections_are_remembered)
{
    int fd = bind_or_fail("127.0.0.1:0", NULL);
    int on = 0;
    socklen_t n = sizeof(on);

    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, &n), 0);
    assert_int_equal(on, 1);
    close(fd);
}

TEST(http_bind, a_port_in_use_is_named)
{
    char address[40], text[100];
    uint16_t port;
    int fd = bind_or_fail("127.0.0.1:0", &port);

    snprintf(address, sizeof(address), "127.0.0.1:%u", port);
    snprintf(text, sizeof(text), "listen on %s: address already in use", address);
    expect_error(address, text);
    close(fd);
}

TEST(http_bind, a_bad_address_is_named)
{
    static const char form[] = "not of the form host:port or [ipv6]:port";
    static const char *const malformed[] = { "",          ":",      ":80",   "80",
                                             "localhost", "::1:80", "[::1]", "[]:80" };
    static const char *const bad_ports[] = { "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                                             "127.0.0.1:-1", "127.0.0.1: 1" };
    char text[200];

    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        snprintf(text, sizeof(text), "listen on %s: %s", malformed[i], form);
        expect_error(malformed[i], text);
    }
    for (size_t i = 0; i < sizeof(bad_ports) / sizeof(bad_ports[0]); i++) {
        snprintf(text, sizeof(text), "listen on %s: the port is not a number up to 65535",
                 bad_ports[i]);
        expect_error(bad_ports[i], text);
    }
}

TEST(http_bind, an_address_of_another_machine_cannot_be_bound)
{
    expect_error("192.0.2.1:0", "listen on 192.0.2.1:0: address not available");
}

RUN_TESTS()
