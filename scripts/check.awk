# SPDX-License-Identifier: Apache-2.0
#
# The rules behind scripts/check.sh, over the files it names. Each rule is one function below, called
# for every line with: raw (the line as it is), code (the same without comments and without what
# stands in quotes), and for C files the place: tree ("src", "tests", ...), layer (the directory under
# src), function_name (the function the line is in).
#
# Kept to what the oldest awk of Debian 12 (mawk) understands.

BEGIN {
    MAX_FILE = 500
    MAX_FUNCTION = 60

    # Who may include whom, by layer; a part behind a slash narrows it to that header.
    may["base"]   = "base"
    may["json"]   = "base json"
    may["store"]  = "base store"
    may["engine"] = "base store engine"
    may["mcp"]    = "base json engine/command.h engine/action.h mcp"
    may["call"]   = "base json store engine/command.h engine/action.h mcp/tool.h call"
    may["net"]    = "base net"
    may["admin"]  = "base json store net/http_unix.h admin"
    may["server"] = "base json store engine mcp call net admin server"
    may["client"] = "base json client net/sse.h"

    # Libraries that belong to certain layers only.
    home["uv.h"] = home["uv/"] = "net server"
    home["llhttp.h"] = "net"
    home["rocksdb/"] = "store"
    home["libpq-fe.h"] = "store"
    home["curl/"] = "client"
    home["pcre2.h"] = "json"
    home["yyjson.h"] = "json mcp call admin server client"
    # The engine and what it is made of is a function: no threads, no sockets, no files, no time.
    not_in_engine = " pthread.h threads.h time.h sys/time.h unistd.h fcntl.h sys/socket.h poll.h "

    public_system = " stdarg.h stdbool.h stddef.h stdint.h stdio.h string.h stdlib.h "

    rule("include",  "every file includes only what its layer may")
    rule("size",     "no file has more than " MAX_FILE " lines")
    rule("length",   "no function has more than " MAX_FUNCTION " lines")
    rule("spdx",     "every source file begins with its licence")
    rule("memory",   "memory comes from src/base/mem.c alone")
    rule("banned",   "no banned function is called")
    rule("sleep",    "nothing sleeps where it could wait for a condition")
    rule("clock",    "only src/base/clock.c reads a clock")
    rule("below",    "time and randomness reach the layers below the server as arguments")
    rule("state",    "a state changes only in its _move function")
    rule("json",     "JSON is printed by src/json alone")
    rule("global",   "no variable outlives its function unless check.allow says why")
    rule("macro",    "no macro returns or jumps for its caller")
    rule("public",   "every public function has a comment")
    rule("todo",     "nothing is left to do without an issue number")
    rule("home",     "no path of somebody's machine is written down")
    rule("allow",    "every exception in check.allow is still needed")

    while ((getline line < "scripts/check.allow") > 0)
        allow(line)
}

function rule(name, sentence) {
    rules[++n_rules] = name
    sentences[name] = sentence
}

# rule | file | part of the line or of the complaint | reason
function allow(line,    field, n) {
    n_allow_lines++
    if (line ~ /^#/ || line ~ /^[ \t]*$/)
        return
    n = split(line, field, / +\| +/)
    if (n != 4 || field[4] == "") {
        bad_allow[n_allow_lines] = "wants: rule | file | part of the line | reason"
        return
    }
    n_allow++
    allow_rule[n_allow] = field[1]
    allow_file[n_allow] = field[2]
    allow_part[n_allow] = field[3]
    allow_line[n_allow] = n_allow_lines
}

function breach_at(name, file, line_number, text, what,    i) {
    for (i = 1; i <= n_allow; i++) {
        if (allow_rule[i] == name && allow_file[i] == file && index(text " " what, allow_part[i])) {
            allow_used[i] = 1
            return
        }
    }
    breaches[name]++
    print "not ok - " file ":" line_number ": " what
}

function breach(name, what) { breach_at(name, FILENAME, FNR, raw, what) }

function calls(names) { return code ~ ("(^|[^A-Za-z0-9_.>])(" names ")[ ]*\\(") }

function has_word(list, word) { return index(" " list " ", " " word " ") > 0 }

# ---- Where we are --------------------------------------------------------------------------------

function begin_file(    part, n) {
    end_file()
    in_comment = in_function = in_macro = 0
    previous = before_brace = function_name = ""
    file = FILENAME
    n_lines = 0
    n = split(FILENAME, part, "/")
    tree = n > 1 ? part[1] : ""
    layer = tree == "src" ? part[2] : ""
    base_name = part[n]
    is_c = base_name ~ /\.[ch]$/
    is_script = !is_c && base_name !~ /\.md$/
    # Files that anybody could have written who has the installed headers only.
    is_user = tree == "cli" || tree == "examples" || FILENAME ~ /^tests\/programs\//
    has_spdx = 0
}

function end_file() {
    if (file == "")
        return
    if (is_c && n_lines > MAX_FILE)
        breach_at("size", file, n_lines, "", "has " n_lines " lines, more than " MAX_FILE ": which noun could move out?")
    if ((is_c || is_script) && !has_spdx)
        breach_at("spdx", file, 1, "", "does not begin with its SPDX-License-Identifier line")
}

# The line without the contents of string and character literals and without comments.
function strip(text,    start, end) {
    if (in_comment) {
        end = index(text, "*/")
        if (!end)
            return ""
        text = substr(text, end + 2)
        in_comment = 0
    }
    if (text ~ /["']/) {
        gsub(/'(\\.|[^'\\])'/, "' '", text)
        gsub(/"(\\.|[^"\\])*"/, "\"\"", text)
    }
    while ((start = index(text, "/*")) > 0) {
        end = index(substr(text, start + 2), "*/")
        if (!end) {
            in_comment = 1
            return substr(text, 1, start - 1)
        }
        text = substr(text, 1, start - 1) " " substr(text, start + end + 3)
    }
    sub(/\/\/.*/, "", text)
    return text
}

# A function's opening brace stands alone in the first column, as does its closing one.
function track_function() {
    if (code ~ /^[{]/) {
        in_function = FNR
        function_name = before_brace
    } else if (code ~ /^[}]/ && in_function) {
        if (FNR - in_function > MAX_FUNCTION)
            breach_at("length", FILENAME, in_function, function_name,
                      function_name " has " (FNR - in_function) " lines, more than " MAX_FUNCTION)
        in_function = 0
        function_name = ""
    } else if (!in_function && code ~ /^[A-Za-z_].*[(]/) {
        before_brace = code
        sub(/[ ]*[(].*/, "", before_brace)
        sub(/.*[ *]/, "", before_brace)
    }
}

# ---- The rules -----------------------------------------------------------------------------------

function check_include(    name, quoted, parts, directory, key) {
    if (raw !~ /^[ \t]*#[ \t]*include[ \t]*["<]/)
        return
    name = raw
    sub(/^[^"<]*/, "", name)
    quoted = substr(name, 1, 1) == "\""
    name = substr(name, 2)
    sub(/[">].*/, "", name)
    while (sub(/^\.\.\//, "", name))
        ;
    directory = name ~ /\// ? name : ""
    sub(/\/.*/, "", directory)

    if (tree == "include") {
        if (name !~ /^dmcp[a-z_]*\.h$/ && !has_word(public_system, name))
            breach("include", "a public header includes <" name ">")
    } else if (is_user) {
        if (directory in may)
            breach("include", "includes " name "; only include/ is open to it")
    } else if (tree == "src") {
        if (!(layer in may)) {
            breach("include", "src/" layer " is no layer: name it in check.awk, and in the Makefile")
            return
        }
        if (name ~ /^dmcp/ && name != "dmcp_error.h" && has_word("base json store net", layer))
            breach("include", layer " includes " name "; of the public headers only dmcp_error.h is open to it")
        if (quoted && directory in may && !has_word(may[layer], directory) && !has_word(may[layer], name))
            breach("include", layer " includes " name "; it may include " may[layer])
        key = name in home ? name : directory "/"
        if (!quoted && key in home && !has_word(home[key], layer))
            breach("include", layer " includes <" name ">, which belongs to " home[key])
        if (layer == "engine" && index(not_in_engine, " " name " "))
            breach("include", "the engine includes <" name ">; it has no threads, sockets, files or clock")
    }
}

function check_calls() {
    if (tree == "src" && FILENAME !~ /^src\/base\/mem\.[ch]$/ &&
        calls("malloc|calloc|realloc|reallocarray|strdup|strndup|asprintf|vasprintf|free"))
        breach("memory", "allocates on its own; base/mem.h is for that")
    if (tree != "tests" && calls("sprintf|vsprintf|strcpy|stpcpy|strcat|strncpy|strncat|strtok|atoi|atol|atoll|atof|gets|alloca"))
        breach("banned", "calls a banned function")
    if ((tree == "src" || tree == "tests" && FILENAME !~ /^tests\/lib\/wait\.c$/) &&
        calls("sleep|usleep|nanosleep|clock_nanosleep|thrd_sleep|uv_sleep"))
        breach("sleep", "sleeps")
    if (tree == "src" && FILENAME != "src/base/clock.c" &&
        calls("clock_gettime|gettimeofday|timespec_get|time|uv_hrtime|uv_now|clock"))
        breach("clock", "reads a clock; base/clock.h is for that")
    if (has_word("json store engine mcp", layer) &&
        calls("clock_wall_ms|clock_mono_ns|clock_mono_ms|random_bytes|id_random|rand|random|getrandom"))
        breach("below", layer " reads the clock or draws randomness")
}

function check_sleep_in_script() {
    if (raw !~ /^[ \t]*#/ && raw ~ /(^|[ \t;&|(])sleep[ \t]+[0-9.$]/ && tree == "tests")
        breach("sleep", "sleeps")
}

# A decoder gives a record the state that it had on disk.
function check_state() {
    if (tree == "src" && code ~ /->state[ ]*=[^=]/ && function_name !~ /(^|_)(move|dec)$/)
        breach("state", (function_name == "" ? "this" : function_name) " sets a state; its _move function is for that")
}

function check_json() {
    if (tree == "src" && layer != "json" && raw ~ /"[ ]*\{\\"/)
        breach("json", "writes JSON by hand; src/json is for that")
}

# A variable at file scope, or a static one in a function, that is not const through and through.
function check_global(    declaration, paren) {
    if (tree != "src" || code ~ /^#/ || in_macro)
        return
    if (code !~ /^[ \t]*static[ ]/ && (in_function || code !~ /^[A-Za-z_].*(;|=)/ ||
        code ~ /^(typedef|extern|struct|enum|union)[ ][A-Za-z0-9_ ]*;/ || code ~ /^(typedef|extern|return|goto|case)[ ]/))
        return
    declaration = code
    sub(/=.*/, "", declaration)
    # A function (but not a pointer to one), a type, a label, the beginning of something longer.
    paren = index(declaration, "(")
    if (paren && substr(declaration, paren + 1, 1) != "*" || declaration ~ /[{}]/ ||
        declaration ~ /^[A-Za-z_ ]*:/ || code !~ /[;=]/)
        return
    if (declaration ~ /[*]/ ? declaration ~ /[*][ ]*const/ : declaration ~ /(^|[ ])const[ ]/)
        return
    breach("global", "is a variable that outlives its function")
}

function check_macro() {
    if (tree != "src")
        return
    if (code ~ /^[ \t]*#[ \t]*define[ ]/)
        in_macro = code ~ /define[ ]+X[(]/ ? 2 : 1 # X is a row of a table, undone right after it
    if (in_macro == 1 && code ~ /(^|[^A-Za-z0-9_])(return|goto)([^A-Za-z0-9_]|$)/)
        breach("macro", "a macro returns or jumps for its caller")
    if (code !~ /\\$/)
        in_macro = 0
}

# A prototype needs a comment directly above it, or shares that of the one directly above.
function check_public() {
    if (tree != "include" || base_name !~ /\.h$/)
        return
    if (!in_prototype && code ~ /^[A-Za-z_].*dmcp_[a-z0-9_]+[(]/ && code !~ /^(typedef|#)/) {
        if (previous !~ /\*\/[ \t]*$/ && !was_prototype)
            breach("public", "a public function without a comment above it")
        in_prototype = 1
    }
    was_prototype = in_prototype
    if (in_prototype && code ~ /;/)
        in_prototype = 0
    previous = raw
}

function check_text() {
    if (raw ~ /(^|[^A-Za-z])(TODO|FIXME|XXX)([^A-Za-z]|$)/ && raw !~ /#[0-9]/ && !is_rules)
        breach("todo", "leaves something to do without naming its issue")
    if (raw ~ /(^|[^A-Za-z0-9_.])\/(home\/[a-z]|Users\/[A-Za-z]|root\/)/ && !is_rules)
        breach("home", "names a path of somebody's machine")
}

FNR == 1 {
    begin_file()
    is_rules = FILENAME == "scripts/check.awk"
}

{
    raw = $0
    n_lines = FNR
    if (FNR <= 3 && index(raw, "SPDX-License-Identifier: Apache-2.0"))
        has_spdx = 1
    if (raw ~ /TODO|FIXME|XXX|\/home|\/Users|\/root/)
        check_text()
}

is_script {
    if (raw ~ /sleep/)
        check_sleep_in_script()
}

is_c {
    code = strip(raw)
    if (code ~ /[^ \t]/ || tree == "include") {
        track_function()
        if (code ~ /#/)
            check_include()
        check_calls()
        if (code ~ /->state/)
            check_state()
        if (code ~ /"/)
            check_json()
        check_macro()
        check_global()
        check_public()
    }
}

END {
    end_file()
    for (i in bad_allow)
        breach_at("allow", "scripts/check.allow", i, "", bad_allow[i])
    for (i = 1; i <= n_allow; i++) {
        if (!allow_used[i])
            breach_at("allow", "scripts/check.allow", allow_line[i], "", "excuses nothing any more")
    }
    for (i = 1; i <= n_rules; i++) {
        total += breaches[rules[i]]
        if (!breaches[rules[i]])
            print "ok - " sentences[rules[i]]
    }
    exit total > 0
}
