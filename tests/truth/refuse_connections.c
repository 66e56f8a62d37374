/* LD_PRELOAD: refuse connections to the ports that the file $BLOCKED_PORTS lists, as a firewall does. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static int is_blocked(int port) {
    const char *name = getenv("BLOCKED_PORTS");
    FILE *file = name ? fopen(name, "r") : NULL;
    int listed, found = 0;
    if (!file) return 0;
    while (!found && fscanf(file, "%d", &listed) == 1) found = listed == port;
    fclose(file);
    return found;
}

int connect(int socket, const struct sockaddr *address, socklen_t length) {
    static int (*next)(int, const struct sockaddr *, socklen_t);
    if (!next) next = (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "connect");
    if (address->sa_family == AF_INET && is_blocked(ntohs(((const struct sockaddr_in *)address)->sin_port))) {
        errno = ECONNREFUSED;
        return -1;
    }
    return next(socket, address, length);
}
