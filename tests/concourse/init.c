/* The first process of a container, which Concourse mounts into it: it waits for ever. Concourse's
 * release has one of its own; a distribution's containerd has none. */
#include <signal.h>
#include <unistd.h>

int main(void) {
    signal(SIGCHLD, SIG_IGN); /* so that no zombies are left */
    for (;;) {
        pause();
    }
}
