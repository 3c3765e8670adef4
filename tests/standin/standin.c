/* Stands in for Odoo in tests: one static program in an empty image.
 *
 *   standin serve          answers /web/login, /web/health and /sayoo/ready on port 8069 (and 8072 if told to)
 *   standin health         asks /web/health of itself: the health check
 *   standin exit CODE      writes a line and ends
 *   standin sleep SECONDS  writes a line and waits
 *   standin eat MIB        uses memory until it has that much, or is killed
 *
 * How `serve` behaves is said by the environment:
 *   STANDIN_START_MS       waits before it listens
 *   STANDIN_SLOW_MS        waits before each answer
 *   STANDIN_EAT_MB         uses so much memory before it listens
 *   STANDIN_SICK=1         answers 503 to health and ready
 *   STANDIN_SILENT=1       takes connections and never answers
 *   STANDIN_CRASH_MS       ends with code 3 after that time
 *   STANDIN_WEBSOCKET=1    also listens on 8072
 *   STANDIN_NAME           is in every answer
 *
 * For tests of isolation: /standin/status shows /proc/self/status, /standin/write tries to write to / and /tmp,
 * /standin/secret/NAME shows a secret's length, /standin/burn?MS uses CPU.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

static void rest(long ms) {
    struct timespec time = {ms / 1000, (ms % 1000) * 1000000L};
    while (ms > 0 && nanosleep(&time, &time) != 0) {}
}

static void say(const char *text) {
    printf("%s\n", text);
    fflush(stdout);
}

static void end(int signal) {
    (void)signal;
    _exit(0);
}

static void answer(int client, int status, const char *body) {
    char head[512];
    int length = snprintf(head, sizeof head,
                          "HTTP/1.1 %d %s\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %zu\r\nX-Standin: %s\r\n"
                          "Connection: close\r\n\r\n",
                          status, status == 200 ? "OK" : "Unavailable", strlen(body), getenv("STANDIN_NAME") ? getenv("STANDIN_NAME") : "");
    if (write(client, head, length) < 0 || write(client, body, strlen(body)) < 0) _exit(1);
}

static void show_file(int client, const char *path) {
    char text[8192] = {0};
    int file = open(path, O_RDONLY);
    if (file >= 0 && read(file, text, sizeof text - 1) < 0) text[0] = 0;
    answer(client, file >= 0 ? 200 : 503, text);
}

static void try_to_write(int client) {
    char text[128];
    int root = open("/written", O_CREAT | O_WRONLY, 0600);
    int tmp = open("/tmp/written", O_CREAT | O_WRONLY, 0600);
    snprintf(text, sizeof text, "root=%s tmp=%s", root >= 0 ? "yes" : "no", tmp >= 0 ? "yes" : "no");
    answer(client, 200, text);
}

static void burn(int client, long ms) {
    struct timespec now;
    clock_t begin = clock();
    while ((clock() - begin) * 1000 / CLOCKS_PER_SEC < ms) clock_gettime(CLOCK_MONOTONIC, &now);
    answer(client, 200, "burnt");
}

static void serve_one(int client) {
    char request[16384] = {0}, method[16] = {0}, path[2048] = {0}, line[2200];
    ssize_t got = 0, more;
    while (!strstr(request, "\r\n\r\n") && got < (ssize_t)sizeof request - 1 &&
           (more = read(client, request + got, sizeof request - 1 - got)) > 0)
        got += more;
    if (sscanf(request, "%15s %2047s", method, path) != 2) _exit(0);
    snprintf(line, sizeof line, "%s %s", method, path);
    say(line);
    if (number("STANDIN_SILENT")) { rest(3600000); _exit(0); }
    rest(number("STANDIN_SLOW_MS"));
    int is_sick = number("STANDIN_SICK") != 0;
    if (!strncmp(path, "/web/health", 11) || !strncmp(path, "/sayoo/ready", 12))
        answer(client, is_sick ? 503 : 200, is_sick ? "{\"status\": \"fail\"}" : "{\"status\": \"pass\"}");
    else if (!strcmp(path, "/standin/status"))
        show_file(client, "/proc/self/status");
    else if (!strcmp(path, "/standin/mounts"))
        show_file(client, "/proc/self/mounts");
    else if (!strcmp(path, "/standin/write"))
        try_to_write(client);
    else if (!strncmp(path, "/standin/burn?", 14))
        burn(client, atol(path + 14));
    else if (!strncmp(path, "/standin/secret/", 16) && !strchr(path + 16, '/')) {
        char file[256], text[64];
        struct stat found;
        snprintf(file, sizeof file, "/run/secrets/%.200s", path + 16);
        snprintf(text, sizeof text, "%ld", stat(file, &found) == 0 ? (long)found.st_size : -1L);
        answer(client, 200, text);
    } else
        answer(client, 200, "<!doctype html><title>Odoo</title><form class=\"oe_login_form\"></form>");
    _exit(0);
}

static int listening(int port) {
    int yes = 1, socket_ = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_ANY)};
    setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(socket_, (struct sockaddr *)&address, sizeof address) || listen(socket_, 128)) { perror("listen"); exit(1); }
    return socket_;
}

static void accept_all(int listener) {
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) continue;
        if (fork() == 0) { close(listener); serve_one(client); }
        close(client);
    }
}

static int serve(void) {
    signal(SIGCHLD, SIG_IGN);
    long crash = number("STANDIN_CRASH_MS");
    pid_t self = getpid();
    say("standin starts");
    for (long eaten = 0; eaten < number("STANDIN_EAT_MB"); eaten++) {
        char *megabyte = malloc(1 << 20);
        for (long at = 0; megabyte && at < 1 << 20; at += 4096) ((volatile char *)megabyte)[at] = 1;
    }
    rest(number("STANDIN_START_MS"));
    if (number("STANDIN_WEBSOCKET") && fork() == 0) accept_all(listening(8072));
    if (crash) {
        int listener = listening(8069);
        if (fork() == 0) { accept_all(listener); }
        (void)self;
        rest(crash);
        fprintf(stderr, "standin crashes\n");
        _exit(3);
    }
    int listener = listening(8069);
    say("standin listens");
    accept_all(listener);
    return 0;
}

static int health(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8069), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int server = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval limit = {3, 0};
    char text[64] = {0};
    const char *request = "GET /web/health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(server, (struct sockaddr *)&address, sizeof address) || write(server, request, strlen(request)) < 0) return 1;
    if (read(server, text, sizeof text - 1) <= 0) return 1;
    return strncmp(text, "HTTP/1.1 200", 12) ? 1 : 0;
}

static int eat(long mib) {
    for (long i = 0; i < mib; i++) {
        char *block = malloc(1 << 20);
        if (!block) return 1;
        memset(block, 1, 1 << 20);
    }
    say("eaten");
    rest(3600000);
    return 0;
}

int main(int count, char **words) {
    const char *what = count > 1 ? words[1] : "serve";
    signal(SIGTERM, end);
    signal(SIGPIPE, SIG_IGN);
    if (!strcmp(what, "serve")) return serve();
    if (!strcmp(what, "health")) return health();
    if (!strcmp(what, "eat") && count > 2) return eat(atol(words[2]));
    if (!strcmp(what, "sleep") && count > 2) { say("standin sleeps"); rest(atol(words[2]) * 1000); return 0; }
    if (!strcmp(what, "exit") && count > 2) {
        say("standin ends");
        fprintf(stderr, "with code %s\n", words[2]);
        return atoi(words[2]);
    }
    fprintf(stderr, "standin: unknown command %s\n", what);
    return 2;
}
