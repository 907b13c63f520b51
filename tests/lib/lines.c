/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting lines. See lines.h.
 */
#include "lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int lines_count(const char *path, const char *wanted)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    int n = 0;

    while (f && getline(&line, &room, f) > 0) {
        line[strcspn(line, "\n")] = '\0';
        n += !wanted || strcmp(line, wanted) == 0;
    }
    free(line);
    if (f) {
        fclose(f);
    }
    return n;
}
