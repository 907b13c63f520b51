/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 encoding and strict decoding. See base64.h.
 */
#include "base/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_enc(struct buf *out, struct str data)
{
    const unsigned char *in = (const unsigned char *)data.p;
    size_t n_chars = (data.len + 2) / 3 * 4;
    char *to = buf_reserve(out, n_chars);

    if (!to) {
        return;
    }
    for (size_t i = 0; i < data.len; i += 3) {
        size_t n = data.len - i < 3 ? data.len - i : 3;
        uint32_t bits = (uint32_t)in[i] << 16;

        bits |= n > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        bits |= n > 2 ? (uint32_t)in[i + 2] : 0;
        *to++ = digits[bits >> 18];
        *to++ = digits[bits >> 12 & 63];
        *to++ = n > 1 ? digits[bits >> 6 & 63] : '=';
        *to++ = n > 2 ? digits[bits & 63] : '=';
    }
    buf_advance(out, n_chars);
}

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters into up to three bytes; how many, or -1. */
static int decode_group(const char *text, size_t n_padding, unsigned char bytes[3])
{
    uint32_t bits = 0;

    for (size_t i = 0; i < 4; i++) {
        int value = i < 4 - n_padding ? digit_value(text[i]) : 0;

        if (value < 0) {
            return -1;
        }
        bits = bits << 6 | (uint32_t)value;
    }
    if (bits & ((1u << (8 * n_padding)) - 1)) {
        return -1;
    }
    bytes[0] = (unsigned char)(bits >> 16);
    bytes[1] = (unsigned char)(bits >> 8);
    bytes[2] = (unsigned char)bits;
    return 3 - (int)n_padding;
}

int base64_dec(struct buf *out, struct str text)
{
    size_t n_padding = 0, n_bytes = 0;
    char *to;

    if (text.len % 4 != 0) {
        return DMCP_E_INVALID;
    }
    while (n_padding < 2 && n_padding < text.len && text.p[text.len - 1 - n_padding] == '=') {
        n_padding++;
    }
    to = buf_reserve(out, text.len / 4 * 3);
    if (!to) {
        return 0;
    }
    for (size_t i = 0; i < text.len; i += 4) {
        unsigned char bytes[3];
        int n = decode_group(text.p + i, i + 4 == text.len ? n_padding : 0, bytes);

        if (n < 0) {
            return DMCP_E_INVALID;
        }
        memcpy(to + n_bytes, bytes, (size_t)n);
        n_bytes += (size_t)n;
    }
    buf_advance(out, n_bytes);
    return 0;
}
