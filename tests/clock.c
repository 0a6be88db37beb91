/* Run a program with a fixed time: clock SECONDS PROGRAM [ARGUMENT ...]
 *
 * Programs normally read the clock through the vDSO, without a system call. The address of the vDSO
 * is in the auxiliary vector, after the environment on the initial stack. Removing it there makes
 * the C library use the system call, whose result is replaced. */

#define _GNU_SOURCE
#include <elf.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t child;

static uint64_t peek(uint64_t address) { return ptrace(PTRACE_PEEKDATA, child, address, 0); }

static struct __ptrace_syscall_info syscall_info(void) {
    struct __ptrace_syscall_info info = {0};
    ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info);
    return info;
}

static void remove_vdso(uint64_t stack) {
    uint64_t at = stack + 8 * (peek(stack) + 2); /* skips argc, the arguments and a null */
    while (peek(at) != 0) {
        at += 8;
    }
    for (at += 8; peek(at) != AT_NULL; at += 16) {
        if (peek(at) == AT_SYSINFO_EHDR) {
            ptrace(PTRACE_POKEDATA, child, at, AT_IGNORE);
        }
    }
}

int main(int, char **arguments) {
    uint64_t seconds = strtoull(arguments[1], NULL, 10), result = 0;
    child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execv(arguments[2], arguments + 2);
        _exit(127);
    }
    int status;
    waitpid(child, &status, 0); /* until it stops at its first instruction */
    ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    remove_vdso(syscall_info().stack_pointer);
    for (int signal = 0; ptrace(PTRACE_SYSCALL, child, 0, signal) == 0;) {
        waitpid(child, &status, 0);
        if (!WIFSTOPPED(status)) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
        signal = WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status);
        struct __ptrace_syscall_info info = syscall_info();
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
            int reads_clock =
                info.entry.nr == SYS_clock_gettime && info.entry.args[0] == CLOCK_REALTIME;
            result = reads_clock ? info.entry.args[1] : 0;
        } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && result != 0) {
            ptrace(PTRACE_POKEDATA, child, result, seconds);
        }
    }
    return 125;
}
