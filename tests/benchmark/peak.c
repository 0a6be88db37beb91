/* peak REPORT PROGRAM [ARGUMENT ...]: run a program, and write its peak memory in KiB to REPORT.
 *
 * Linux counts the memory of the process that starts a program towards the program's peak. So this
 * launcher is smaller than any program that it starts. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    pid_t child = vfork();
    if (child == 0) {
        execv(argv[2], argv + 2);
        _exit(127);
    }
    int status;
    struct rusage usage;
    if (wait4(child, &status, 0, &usage) < 0) return 1;
    FILE *report = fopen(argv[1], "w");
    if (!report || fprintf(report, "%ld\n", usage.ru_maxrss) < 0 || fclose(report)) return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
