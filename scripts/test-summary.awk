# SPDX-License-Identifier: Apache-2.0
#
# Reads what one test program printed, shows it for a human, and writes "passed failed skipped" to
# the file named by counts. Given: program, status (its exit status), limit (seconds), counts.

function fail(sentence) {
    failed++
    lines[++n] = "  FAILED   " sentence
}

{ raw[NR] = $0 }

/^1\.\.[0-9]+$/ { planned = substr($0, 4) + 0; has_plan = 1; next }
/^# running: / { running = substr($0, 12); next }
/^# missing: / { missing = substr($0, 12); next }

/^(not )?ok( |$)/ {
    reported++
    sentence = $0
    is_ok = !sub(/^not ok */, "", sentence)
    sub(/^ok */, "", sentence)
    sub(/^[0-9]+ */, "", sentence)
    sub(/^- */, "", sentence)
    if (sentence ~ /# SKIP/) {
        # cmocka writes "# SKIP sentence", everybody else "sentence # SKIP facility".
        at = index(sentence, "# SKIP")
        if (at > 1) {
            if (substr(sentence, at + 7) != "")
                missing = substr(sentence, at + 7)
            sentence = substr(sentence, 1, at - 2)
        } else {
            sub(/# SKIP */, "", sentence)
        }
        if (missing == "") {
            fail(sentence " (skipped without saying what is missing)")
        } else {
            skipped++
            lines[++n] = "  skipped  " sentence " (missing: " missing ")"
        }
    } else if (is_ok) {
        passed++
        lines[++n] = "  ok       " sentence
    } else {
        fail(sentence)
    }
    missing = running = ""
}

END {
    during = running == "" ? "" : " during \"" running "\""
    if (status == 124 || status == 137 && reported < planned)
        fail("still running after " limit " seconds" during)
    else if (status > 128)
        fail("died of signal " (status - 128) during)
    else if (has_plan && reported < planned)
        fail("ended with status " status " after " reported + 0 " of " planned " tests" during)
    else if (!reported)
        fail("reported no tests (exit status " status ")")
    else if (status != 0 && !failed)
        fail("every test passed, yet the exit status is " status)

    print program
    for (i = 1; i <= n; i++)
        print lines[i]
    if (failed) {
        print "  ---- all it printed ----"
        for (i = 1; i <= NR; i++)
            print "  | " raw[i]
    }
    print passed + 0, failed + 0, skipped + 0 > counts
}
