/* What the program does before Python starts. */

#define _GNU_SOURCE
#include <Python.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

extern PyObject *PyInit__core(void);

/* Nuitka opens /dev/null for a closed standard stream, which would hide errors. The wrong end of a
 * pipe takes the descriptor instead, so that reads and writes fail with "Bad file descriptor". */
static void keep_closed(int stream, int wrong_end) {
    int ends[2];
    if (fcntl(stream, F_GETFD) == -1 && pipe(ends) == 0) {
        dup2(ends[wrong_end], stream);
        for (int end = 0; end < 2; end++) {
            if (ends[end] != stream) {
                close(ends[end]);
            }
        }
    }
}

/* With less than half of it, the interpreter fails without a message or hangs as it starts. With
 * little more, boto3 does. */
static void need_memory(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur < 64 << 20) {
        dprintf(STDERR_FILENO, "s3-presigned-url: cannot start: "
                               "needs 64 MiB of memory (ulimit -v 65536)\n");
        _exit(1);
    }
}

__attribute__((constructor)) static void before_main(void) {
    need_memory();
    keep_closed(STDIN_FILENO, 1);
    keep_closed(STDOUT_FILENO, 0);
    keep_closed(STDERR_FILENO, 0);
    PyImport_AppendInittab("msgspec._core", PyInit__core); /* linked, not loaded */
}
