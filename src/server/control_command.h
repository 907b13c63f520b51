/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operator asks for, as a command to the engine.
 */
#ifndef SERVER_CONTROL_COMMAND_H
#define SERVER_CONTROL_COMMAND_H

#include "engine/command.h"
#include "json/json.h"

#define CONTROL_BODY_BYTES (LIMIT_RESULT_BYTES / 3 * 4 + 64 * KIB) /* a value in base64 */

/* Whether it is the path of a command. */
bool control_is_command(struct str path);

/* NULL: the error says what is wrong with the body. */
struct command *control_command(struct str path, struct str body, struct err *e);

#endif
