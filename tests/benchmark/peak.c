/* peak REPORT PROGRAM [ARGUMENT ...]: run a program, and write its peak memory in KiB to the file REPORT.
 *
 * Linux counts towards a program's peak what the process that started it had in memory, so a big one cannot measure
 * a small one. This one is smaller than all that it starts. */
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
