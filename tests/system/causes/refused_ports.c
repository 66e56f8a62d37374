/* As a library before all others (LD_PRELOAD): connections to the ports named in the file REFUSED_PORTS are
   refused, as a firewall does it. Other ports, and an empty or missing file, are left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static int refused(const struct sockaddr *address) {
    const char *name = getenv("REFUSED_PORTS");
    FILE *file = name && address->sa_family == AF_INET ? fopen(name, "r") : NULL;
    int port, found = 0;
    if (!file) return 0;
    while (!found && fscanf(file, "%d", &port) == 1)
        found = port == ntohs(((const struct sockaddr_in *)address)->sin_port);
    fclose(file);
    return found;
}

int connect(int descriptor, const struct sockaddr *address, socklen_t length) {
    static int (*real)(int, const struct sockaddr *, socklen_t);
    if (!real) real = (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "connect");
    if (refused(address)) {
        errno = ECONNREFUSED;
        return -1;
    }
    return real(descriptor, address, length);
}
