/* A lean load generator: one thread, epoll, N connections, one outstanding request on each.
 * The same loop drives Hive's JSON-line sockets and Redis Streams, so that what differs is the server.
 *
 *   load -m send|cycle|wake|hold|work|lock -p hive  [options] AGENT_SOCKET...
 *   load -m send|cycle|wake|hold -p redis [options] -n STREAMS REDIS_SOCKET
 *
 *   send   connections send; an operation is a send whose answer was ok
 *   cycle  half of the connections send, the others receive batches and acknowledge them; an operation is a message
 *          whose acknowledgement was answered. Afterwards the inboxes are drained: nothing lost, nothing twice
 *   wake   one waiting receiver, one sender, one message at a time: from the start of the send to the receiver's answer
 *   hold   every connection waits for messages; for measuring an idle server
 *   work   every connection receives the tasks of its agent, completes them one by one and acknowledges their messages;
 *          an operation is a task whose acknowledgement was answered, its time begins with the recv that brought it
 *   lock   every connection waits for an exclusive lock on one of RESOURCES for its agent's task, and releases it; an
 *          operation is both, answered. Two agents never have one resource
 *
 * Prints one line of JSON. Every run is bounded in time and in operations. Exit code 0 = no error, 1 = errors, 2 = usage. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BATCH 32                    /* most messages one recv asks for (the protocol's limit) */
#define TAG 16                      /* a body starts with its number, TAG digits long */
#define MAX_CONNS 4096
#define MAX_AGENTS 4096
#define MAX_BODY 4096
#define MAX_OPS 20000000u
#define MAX_TASK 20000000u          /* the highest id of a task */
#define HIST_US 10000000u           /* latencies are counted to the microsecond up to 10 s */
#define RESOURCES 100               /* that mode lock chooses from */
#define DRAIN_S 30                  /* how long answers may be outstanding after the end */
#define GIVE_UP_ERRORS 1000u

enum mode { SEND, CYCLE, WAKE, HOLD, WORK, LOCK };
enum state { IDLE, SENDING, RECEIVING, COMPLETING, ACKING, LOCKING, RELEASING };

struct conn {
    int fd;
    int number;
    int agent;                      /* whose socket (Hive) or stream (Redis) this is */
    bool receiver, wants_out;
    enum state state;
    uint64_t started, seq;
    char *in, *out;
    size_t in_len, in_cap, looked;
    size_t out_len, out_off, out_cap;
    int got;                        /* messages of the last recv, to be acknowledged */
    char id[BATCH][44];
    uint64_t tag[BATCH];            /* UINT64_MAX: not one of ours (the host's own greeting) */
    uint64_t task[BATCH], run[BATCH];   /* of a message that gives a task; 0: it gives none */
    int completed;                  /* how many of the last recv's messages are done with */
    uint32_t chosen;                /* the resource of the last lock */
};

static enum mode mode = SEND;
static bool redis, verbose;
static int conn_count = 16, agent_count = 0, body_bytes = 200, gap_us = 2000;
static double seconds = 3, warm_up = 1;
static uint64_t max_ops = MAX_OPS;

static char *agent_name[MAX_AGENTS], *agent_socket[MAX_AGENTS];
static struct conn *conns;
static int epoll_fd;
static char filler[MAX_BODY + 1];
static uint32_t hist[HIST_US + 1];
static uint64_t hist_count, hist_max;
static uint8_t locked[RESOURCES];   /* by resource: how many have it */
static uint8_t *given;              /* by task: it was received by this run */
static uint64_t *sent_at;           /* by number: when its send started; 0 again once it was acknowledged */
static uint64_t issued, sent_ok, acked, ops, errors, next_to, t_measure, t_stop, t_last;
static int sending, waiting;        /* senders, receivers with an outstanding request */
static int recipient_from, recipient_count;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void usage(const char *why)
{
    fprintf(stderr,
        "load: %s\n"
        "usage: load -m send|cycle|wake|hold|work|lock -p hive|redis [-c connections] [-s seconds] [-w warm-up seconds]\n"
        "            [-b body bytes] [-k most operations] [-n streams (redis)] [-g gap in us (wake)] [-v] SOCKET...\n", why);
    exit(2);
}

static void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Every error counts; the first is told, with the answer that caused it. */
static void fail(const struct conn *c, const char *what, const char *answer, size_t len)
{
    if (errors++ > 0)
        return;
    fprintf(stderr, "load: connection %d (%s): %s", c ? c->number : -1, c ? agent_name[c->agent] : "-", what);
    if (answer)
        fprintf(stderr, ": %.*s", (int)(len < 400 ? len : 400), answer);
    fputc('\n', stderr);
}

static void record(uint64_t ns)
{
    uint64_t us = ns / 1000;
    hist[us < HIST_US ? us : HIST_US]++;
    hist_count++;
    if (us > hist_max)
        hist_max = us;
}

static uint64_t percentile(double p)
{
    uint64_t want = (uint64_t)(p * (double)hist_count + 0.5), seen = 0;
    if (hist_count == 0)
        return 0;
    if (want < 1)
        want = 1;
    for (uint32_t us = 0; us <= HIST_US; us++)
        if ((seen += hist[us]) >= want)
            return us;
    return hist_max;
}

/* ---- requests ---- */

static void put(struct conn *c, const char *text, size_t len)
{
    if (c->out_len + len > c->out_cap) {
        while (c->out_len + len > c->out_cap)
            c->out_cap = c->out_cap ? c->out_cap * 2 : 8192;
        if (!(c->out = realloc(c->out, c->out_cap)))
            die("memory");
    }
    memcpy(c->out + c->out_len, text, len);
    c->out_len += len;
}

__attribute__((format(printf, 2, 3))) static void putf(struct conn *c, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put(c, text, (size_t)len);
}

static void put_arg(struct conn *c, const char *text)
{
    putf(c, "$%zu\r\n%s\r\n", strlen(text), text);
}

static void put_body(struct conn *c, uint64_t seq)
{
    putf(c, "%0*" PRIu64, TAG, seq);
    put(c, filler, (size_t)(body_bytes - TAG));
}

static void put_send(struct conn *c, int to, uint64_t seq)
{
    c->state = SENDING;
    c->seq = seq;
    if (redis) {
        putf(c, "*9\r\n$4\r\nXADD\r\n");
        put_arg(c, agent_name[to]);
        putf(c, "$1\r\n*\r\n$4\r\nfrom\r\n");
        put_arg(c, agent_name[c->agent]);
        putf(c, "$2\r\nto\r\n");
        put_arg(c, agent_name[to]);
        putf(c, "$4\r\nbody\r\n$%d\r\n", body_bytes);
        put_body(c, seq);
        putf(c, "\r\n");
    } else {
        putf(c, "{\"cmd\":\"send\",\"to\":\"%s\",\"body\":\"", agent_name[to]);
        put_body(c, seq);
        putf(c, "\"}\n");
    }
    c->started = now_ns();
}

static void put_recv(struct conn *c, int wait_seconds, int max)
{
    c->state = RECEIVING;
    if (redis) {
        char number[32];
        putf(c, "*%d\r\n$10\r\nXREADGROUP\r\n$5\r\nGROUP\r\n$1\r\ng\r\n", wait_seconds > 0 ? 11 : 9);
        snprintf(number, sizeof number, "c%d", c->number);
        put_arg(c, number);
        snprintf(number, sizeof number, "%d", max);
        put_arg(c, "COUNT");
        put_arg(c, number);
        if (wait_seconds > 0) {     /* BLOCK 0 would wait forever; without BLOCK it looks and returns */
            snprintf(number, sizeof number, "%d", wait_seconds * 1000);
            put_arg(c, "BLOCK");
            put_arg(c, number);
        }
        put_arg(c, "STREAMS");
        put_arg(c, agent_name[c->agent]);
        put_arg(c, ">");
    } else {
        putf(c, "{\"cmd\":\"recv\",\"wait_seconds\":%d,\"max\":%d}\n", wait_seconds, max);
    }
}

static void put_complete(struct conn *c)
{
    c->state = COMPLETING;
    putf(c, "{\"cmd\":\"complete_task\",\"task\":%" PRIu64 ",\"run\":%" PRIu64 ",\"summary\":\"", c->task[c->completed],
         c->run[c->completed]);
    put(c, filler, (size_t)body_bytes);
    putf(c, "\"}\n");
}

static void put_lock(struct conn *c)
{
    if (c->state != LOCKING) {
        c->state = LOCKING;
        c->started = now_ns();
        next_to = next_to * 6364136223846793005u + 1442695040888963407u;
        c->chosen = (uint32_t)(next_to >> 33) % RESOURCES;
        putf(c, "{\"cmd\":\"lock\",\"action\":\"acquire\",\"resource\":\"repo:r%u\",\"wait_seconds\":20}\n", c->chosen);
    } else {
        c->state = RELEASING;
        locked[c->chosen]--;
        putf(c, "{\"cmd\":\"lock\",\"action\":\"release\",\"resource\":\"repo:r%u\"}\n", c->chosen);
    }
}

static void put_ack(struct conn *c)
{
    c->state = ACKING;
    if (redis) {
        putf(c, "*%d\r\n$4\r\nXACK\r\n", c->got + 3);
        put_arg(c, agent_name[c->agent]);
        put_arg(c, "g");
        for (int i = 0; i < c->got; i++)
            put_arg(c, c->id[i]);
    } else {
        putf(c, "{\"cmd\":\"ack\",\"ids\":[");
        for (int i = 0; i < c->got; i++)
            putf(c, "%s%s", i ? "," : "", c->id[i]);
        putf(c, "]}\n");
    }
}

/* ---- answers ---- */

struct resp { char type; long number; const char *text; };

/* Reads one RESP header (and the text of a bulk string); NULL = not all of it is here. */
static const char *resp_next(const char *p, const char *end, struct resp *r)
{
    const char *nl = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
    if (!nl)
        return NULL;
    r->type = *p;
    r->number = *p == '*' || *p == '$' || *p == ':' ? strtol(p + 1, NULL, 10) : 0;
    r->text = p + 1;
    p = nl + 1;
    if (r->type == '$' && r->number >= 0) {
        r->text = p;
        if (end - p < r->number + 2)
            return NULL;
        p += r->number + 2;
    }
    return p;
}

/* The length of the answer that has arrived, 0 while it is not complete. */
static size_t answer_length(struct conn *c)
{
    if (!redis) {
        char *nl = memchr(c->in + c->looked, '\n', c->in_len - c->looked);
        c->looked = c->in_len;
        return nl ? (size_t)(nl - c->in) + 1 : 0;
    }
    const char *p = c->in, *end = c->in + c->in_len;
    struct resp r;
    for (long need = 1; need > 0; need--) {
        if (!(p = resp_next(p, end, &r)))
            return 0;
        if (r.type == '*' && r.number > 0)
            need += r.number;
    }
    return (size_t)(p - c->in);
}

static const char *find(const char *in, size_t len, const char *what)
{
    return memmem(in, len, what, strlen(what));
}

static bool send_ok(const struct conn *c, size_t len)
{
    if (redis)
        return c->in[0] == '$' && c->in[1] != '-' && memchr(c->in + 3, '-', len - 3);
    return find(c->in, len, "\"ok\":true") && find(c->in, len, "\"id\":");
}

static uint64_t tag_of(const char *body, const char *end)
{
    uint64_t tag = 0;
    if (end - body < TAG)
        return UINT64_MAX;
    for (int i = 0; i < TAG; i++) {
        if (body[i] < '0' || body[i] > '9')
            return UINT64_MAX;
        tag = tag * 10 + (uint64_t)(body[i] - '0');
    }
    return tag;
}

/* How the body of a message begins that gives a task. */
static const char assigned[] = "{\\\"event\\\":\\\"task_assigned\\\"";

/* The number after a name in JSON that is itself a string in JSON. */
static uint64_t escaped_number(const char *from, const char *end, const char *name)
{
    const char *p = find(from, (size_t)(end - from), name);
    return p ? (uint64_t)strtoull(p + strlen(name), NULL, 10) : 0;
}

/* Takes ids and numbers out of the answer to a recv: how many there were, or -1 = it was not ok. */
static int recv_got(struct conn *c, size_t len)
{
    const char *p = c->in, *end = c->in + len;
    c->got = 0;
    if (redis) {
        struct resp r, id, key, value;
        long entries, fields;
        p = resp_next(p, end, &r);
        if (r.type != '*')
            return -1;
        if (r.number <= 0)
            return 0;
        p = resp_next(p, end, &r);                  /* [stream, entries] */
        p = resp_next(p, end, &r);                  /* stream */
        p = resp_next(p, end, &r);
        entries = r.number;
        for (long e = 0; e < entries && c->got < BATCH; e++) {
            p = resp_next(p, end, &r);              /* [id, fields] */
            p = resp_next(p, end, &id);
            p = resp_next(p, end, &r);
            fields = r.number;
            c->tag[c->got] = UINT64_MAX;
            for (long f = 0; f + 1 < fields; f += 2) {
                p = resp_next(p, end, &key);
                p = resp_next(p, end, &value);
                if (key.number == 4 && memcmp(key.text, "body", 4) == 0)
                    c->tag[c->got] = tag_of(value.text, value.text + value.number);
            }
            snprintf(c->id[c->got++], sizeof c->id[0], "%.*s", (int)id.number, id.text);
        }
        return c->got;
    }
    if (!find(p, len, "\"ok\":true") || !(p = find(p, len, "\"messages\":[")))
        return -1;
    while (c->got < BATCH && (p = find(p, (size_t)(end - p), "\"id\":"))) {
        const char *body = find(p, (size_t)(end - p), "\"body\":\"");
        snprintf(c->id[c->got], sizeof c->id[0], "%" PRIu64, (uint64_t)strtoull(p + 5, NULL, 10));
        if (!body)
            return -1;
        c->task[c->got] = c->run[c->got] = 0;
        if (mode == WORK && strncmp(body + 8, assigned, sizeof assigned - 1) == 0) {
            c->task[c->got] = escaped_number(body, end, "\\\"id\\\":");
            c->run[c->got] = escaped_number(body, end, "\\\"run\\\":");
        }
        c->tag[c->got++] = tag_of(body + 8, end);
        p = body + 8;
    }
    return c->got;
}

static bool ack_ok(const struct conn *c, size_t len)
{
    const char *p;
    if (redis)
        return c->in[0] == ':' && strtol(c->in + 1, NULL, 10) == c->got;
    return find(c->in, len, "\"ok\":true") && (p = find(c->in, len, "\"acked\":")) && strtol(p + 8, NULL, 10) == c->got;
}

/* ---- connections ---- */

static void open_conn(struct conn *c, int number, int agent)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    struct timeval limit = { .tv_sec = DRAIN_S };
    const char *path = agent_socket[agent];
    if (strlen(path) >= sizeof at.sun_path) {
        fprintf(stderr, "load: a socket path may have %zu bytes: %s\n", sizeof at.sun_path - 1, path);
        exit(2);
    }
    memcpy(at.sun_path, path, strlen(path));
    c->number = number;
    c->agent = agent;
    c->in_cap = 16384;
    if (!(c->in = malloc(c->in_cap)))
        die("memory");
    if ((c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
        die("socket");
    if (connect(c->fd, (struct sockaddr *)&at, sizeof at) < 0)
        die(path);
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

static void close_conn(struct conn *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    if (c->state == SENDING)
        sending--;
    else if (c->state != IDLE)
        waiting--;
    c->state = IDLE;
}

static void watch(struct conn *c, int op, uint32_t events)
{
    struct epoll_event e = { .events = events, .data.ptr = c };
    if (epoll_ctl(epoll_fd, op, c->fd, &e) < 0)
        die("epoll_ctl");
}

static bool flush(struct conn *c, int flags)
{
    while (c->out_off < c->out_len) {
        ssize_t n = send(c->fd, c->out + c->out_off, c->out_len - c->out_off, flags | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN && flags) {
            if (!c->wants_out)
                watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            c->wants_out = true;
            return true;
        }
        if (n < 0) {
            fail(c, strerror(errno), NULL, 0);
            return false;
        }
        c->out_off += (size_t)n;
    }
    c->out_len = c->out_off = 0;
    if (c->wants_out)
        watch(c, EPOLL_CTL_MOD, EPOLLIN);
    c->wants_out = false;
    return true;
}

/* Reads what there is: 1 = something, 0 = nothing now, -1 = the connection is over. */
static int fill(struct conn *c, int flags)
{
    if (c->in_len == c->in_cap && !(c->in = realloc(c->in, c->in_cap *= 2)))
        die("memory");
    ssize_t n;
    do
        n = recv(c->fd, c->in + c->in_len, c->in_cap - c->in_len, flags);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN && flags)
        return 0;
    if (n <= 0) {
        fail(c, n == 0 ? "the server closed the connection" : errno == EAGAIN ? "no answer in time" : strerror(errno), NULL, 0);
        return -1;
    }
    c->in_len += (size_t)n;
    return 1;
}

static void consume(struct conn *c, size_t len)
{
    if (c->in_len > len)
        fail(c, "more than one answer to one request", c->in + len, c->in_len - len);
    c->in_len = c->looked = 0;
}

/* ---- the loop of send, cycle and hold ---- */

static bool stopping, finished;     /* nothing new is sent; nothing new is asked for */

static int pick_recipient(const struct conn *c)
{
    int to = recipient_from + (int)(next_to++ % (uint64_t)recipient_count);
    if (to == c->agent && recipient_count > 1)
        to = recipient_from + (int)(next_to++ % (uint64_t)recipient_count);
    return to;
}

static void next_request(struct conn *c)
{
    if (c->receiver) {
        if (c->state != IDLE)
            waiting--;
        if (finished && c->got == 0 && c->state != LOCKING) {
            c->state = IDLE;
            return;
        }
        waiting++;
        if (mode == LOCK)
            put_lock(c);
        while (mode == WORK && c->completed < c->got && c->task[c->completed] == 0)
            c->completed++;
        if (mode == WORK && c->completed < c->got)
            put_complete(c);
        else if (mode != LOCK && c->state != ACKING && c->got > 0)
            put_ack(c);
        else if (mode != LOCK)
            put_recv(c, mode == HOLD ? 60 : 1, BATCH);
    } else if (!stopping && issued < max_ops) {
        uint64_t seq = issued++;
        put_send(c, pick_recipient(c), seq);
        if (mode == CYCLE)
            sent_at[seq] = c->started;
        sending++;
    } else {
        c->state = IDLE;
    }
    if (c->state != IDLE && !flush(c, MSG_DONTWAIT))
        close_conn(c);
}

static void count(uint64_t started, uint64_t now)
{
    if (now < t_measure || now >= t_stop)
        return;
    ops++;
    t_last = now;
    record(now - started);
}

static void answered(struct conn *c, size_t len)
{
    uint64_t now = now_ns();
    switch (c->state) {
    case SENDING:
        sending--;
        if (send_ok(c, len)) {
            sent_ok++;
            if (mode == SEND)
                count(c->started, now);
        } else {
            fail(c, "send was refused", c->in, len);
            if (mode == CYCLE)
                sent_at[c->seq] = 0;
        }
        break;
    case RECEIVING:
        if (recv_got(c, len) < 0) {
            fail(c, "recv was refused", c->in, len);
            c->got = 0;
        }
        c->completed = 0;
        c->started = now;
        for (int i = 0; mode == WORK && i < c->got; i++) {
            if (c->task[i] >= MAX_TASK || (c->task[i] > 0 && given[c->task[i]]++ > 0))
                fail(c, "a task was given twice", c->id[i], strlen(c->id[i]));
        }
        break;
    case COMPLETING:
        if (!find(c->in, len, "\"ok\":true") || !find(c->in, len, "\"completed\""))
            fail(c, "complete_task was refused", c->in, len);
        else
            sent_ok++;
        c->completed++;
        break;
    case ACKING:
        if (!ack_ok(c, len))
            fail(c, "ack was refused or did not cover all of its ids", c->in, len);
        for (int i = 0; i < c->got; i++) {
            if (mode == WORK && c->task[i] > 0) {
                acked++;
                count(c->started, now);
            }
            if (c->tag[i] == UINT64_MAX)
                continue;
            if (mode != CYCLE || c->tag[i] >= issued || sent_at[c->tag[i]] == 0) {
                fail(c, "a message came twice, or was not sent by this run", c->id[i], strlen(c->id[i]));
                continue;
            }
            acked++;
            count(sent_at[c->tag[i]], now);
            sent_at[c->tag[i]] = 0;
        }
        c->got = 0;
        break;
    case LOCKING:
        if (!find(c->in, len, "\"granted\":true"))
            fail(c, "a lock was refused", c->in, len);
        else if (locked[c->chosen]++ > 0)
            fail(c, "two agents have one resource", c->in, len);
        else
            sent_ok++;
        break;
    case RELEASING:
        if (!find(c->in, len, "\"ok\":true"))
            fail(c, "a release was refused", c->in, len);
        else
            acked++;
        count(c->started, now);
        break;
    case IDLE:
        fail(c, "an answer that nobody asked for", c->in, len);
        break;
    }
}

static void run_loop(void)
{
    struct epoll_event ready[256];
    uint64_t dead = t_stop + DRAIN_S * 1000000000ull;
    for (int i = 0; i < conn_count; i++) {
        watch(&conns[i], EPOLL_CTL_ADD, EPOLLIN);
        next_request(&conns[i]);
    }
    bool drains = mode == CYCLE || mode == WORK || mode == LOCK;
    /* A waiting recv is let run out rather than cut off: what a server does with one whose client vanished is not measured here. */
    while (!finished || (drains && waiting > 0)) {
        uint64_t now = now_ns();
        stopping = stopping || now >= t_stop || issued >= max_ops || errors >= GIVE_UP_ERRORS;
        finished = finished || (stopping && (mode == WORK || mode == LOCK ? true
                                             : mode == HOLD ? now >= t_stop || errors > 0
                                             : sending == 0 && (mode == SEND || acked >= sent_ok || errors >= GIVE_UP_ERRORS)));
        if (now >= dead) {
            fail(NULL, drains ? "messages were still missing 30 s after the end" : "answers were still missing 30 s after the end", NULL, 0);
            break;
        }
        int n = finished && !drains ? 0 : epoll_wait(epoll_fd, ready, 256, 50);
        if (n < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < n; i++) {
            struct conn *c = ready[i].data.ptr;
            size_t len;
            if (c->fd < 0)
                continue;
            if ((ready[i].events & EPOLLOUT) && !flush(c, MSG_DONTWAIT)) {
                close_conn(c);
                continue;
            }
            if (!(ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
                continue;
            int got = fill(c, MSG_DONTWAIT);
            if (got < 0)
                close_conn(c);
            if (got <= 0 || !(len = answer_length(c)))
                continue;
            answered(c, len);
            consume(c, len);
            next_request(c);
        }
    }
}

/* ---- one call after another: setting up, and wake ---- */

static size_t answer(struct conn *c)
{
    size_t len;
    while (c->in_len == 0 || !(len = answer_length(c)))
        if (fill(c, 0) < 0)
            exit(1);
    return len;
}

static size_t call(struct conn *c)
{
    if (!flush(c, 0))
        exit(1);
    return answer(c);
}

static void make_group(struct conn *c)
{
    putf(c, "*6\r\n$6\r\nXGROUP\r\n$6\r\nCREATE\r\n");
    put_arg(c, agent_name[c->agent]);
    putf(c, "$1\r\ng\r\n$1\r\n$\r\n$8\r\nMKSTREAM\r\n");
    size_t len = call(c);
    if (c->in[0] != '+' && !find(c->in, len, "BUSYGROUP"))
        fail(c, "the group could not be created", c->in, len);
    consume(c, len);
}

/* Empties the inbox; how many messages it held. */
static int drain(struct conn *c)
{
    int total = 0;
    while (1) {
        put_recv(c, 0, BATCH);
        size_t len = call(c);
        int got = recv_got(c, len);
        if (got < 0)
            fail(c, "recv was refused", c->in, len);
        consume(c, len);
        if (got <= 0)
            break;
        total += got;
        put_ack(c);
        len = call(c);
        if (!ack_ok(c, len))
            fail(c, "ack was refused or did not cover all of its ids", c->in, len);
        consume(c, len);
        c->got = 0;
    }
    c->state = IDLE;
    return total;
}

static void run_wake(void)
{
    struct conn *from = &conns[0], *to = &conns[1];
    for (uint64_t i = 0; now_ns() < t_stop && i < max_ops && errors == 0; i++) {
        size_t len;
        bool greeting = false;                      /* the host's own words to a new agent came first */
        if (drain(to) > 0)
            fail(to, "the inbox was not empty before a measurement", NULL, 0);
        put_recv(to, 20, 1);
        if (!flush(to, 0))
            exit(1);
        usleep((useconds_t)gap_us);                 /* the receiver is waiting by then, and the server idle */
        put_send(from, to->agent, i);
        uint64_t started = now_ns();
        if (!flush(from, 0))
            exit(1);
        len = answer(to);
        uint64_t done = now_ns();
        if (recv_got(to, len) != 1)
            fail(to, "the waiting recv did not bring one message", to->in, len);
        else if (to->tag[0] == UINT64_MAX)
            greeting = true;
        else if (to->tag[0] != i)
            fail(to, "another message came than was sent", to->in, len);
        consume(to, len);
        len = answer(from);
        if (!send_ok(from, len))
            fail(from, "send was refused", from->in, len);
        consume(from, len);
        if (to->got > 0) {
            put_ack(to);
            len = call(to);
            if (!ack_ok(to, len))
                fail(to, "ack was refused", to->in, len);
            consume(to, len);
        }
        if (greeting)
            drain(to);
        else if (started >= t_measure && errors == 0) {
            ops++;
            t_last = done;
            record(done - started);
        }
    }
}

/* ---- */

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double number(const char *text, double low, double high, const char *what)
{
    char *end, why[160];
    double value = strtod(text, &end);
    if (*text && !*end && value >= low && value <= high)
        return value;
    snprintf(why, sizeof why, "%s must be a number from %g to %g, not %.40s", what, low, high, text);
    usage(why);
    return 0;
}

static void read_arguments(int argc, char **argv)
{
    static const char *const names[] = { "send", "cycle", "wake", "hold", "work", "lock" };
    int option, found = -1;
    bool have_server = false;
    while ((option = getopt(argc, argv, "m:p:c:s:w:b:k:n:g:v")) != -1)
        switch (option) {
        case 'm':
            for (int i = 0; i < 6; i++)
                if (strcmp(optarg, names[i]) == 0)
                    found = i;
            break;
        case 'p':
            redis = strcmp(optarg, "redis") == 0;
            have_server = redis || strcmp(optarg, "hive") == 0;
            break;
        case 'c': conn_count = (int)number(optarg, 1, MAX_CONNS, "-c"); break;
        case 's': seconds = number(optarg, 0.1, 3600, "-s"); break;
        case 'w': warm_up = number(optarg, 0, 60, "-w"); break;
        case 'b': body_bytes = (int)number(optarg, TAG, MAX_BODY, "-b"); break;
        case 'k': max_ops = (uint64_t)number(optarg, 1, MAX_OPS, "-k"); break;
        case 'n': agent_count = (int)number(optarg, 1, MAX_AGENTS, "-n"); break;
        case 'g': gap_us = (int)number(optarg, 0, 900000, "-g"); break;
        case 'v': verbose = true; break;
        default: usage("unknown option");
        }
    if (found < 0 || !have_server)
        usage("-m and -p must be given");
    mode = (enum mode)found;
    if (optind >= argc)
        usage("no socket given");
    if (redis) {
        if (argc - optind != 1)
            usage("redis takes one socket");
        if (agent_count == 0)
            agent_count = 64;
        for (int i = 0; i < agent_count; i++) {
            char name[16];
            snprintf(name, sizeof name, "s%02d", i + 1);
            agent_socket[i] = argv[optind];
            if (!(agent_name[i] = strdup(name)))
                die("memory");
        }
    } else {
        agent_count = argc - optind;
        if (agent_count > MAX_AGENTS)
            usage("too many sockets");
        for (int i = 0; i < agent_count; i++) {     /* .../agents/<name>/agent.sock */
            char *copy = strdup(argv[optind + i]), *slash, *dir;
            if (!copy || !(slash = strrchr(copy, '/')))
                usage("a socket's path must name its agent: .../<name>/agent.sock");
            *slash = 0;
            agent_socket[i] = argv[optind + i];
            agent_name[i] = (dir = strrchr(copy, '/')) ? dir + 1 : copy;
        }
    }
    if (mode == WAKE)
        conn_count = 2;
    if ((mode == CYCLE || mode == WAKE) && (agent_count < 2 || conn_count < 2))
        usage("cycle and wake need two connections and two agents");
    if ((mode == WORK || mode == LOCK) && redis)
        usage("work and lock need Hive: Redis has no tasks");
}

int main(int argc, char **argv)
{
    static const char text[] = "the change in src/main is reviewed; next: run the tests, then report what failed and why. ";
    static const char *const names[] = { "send", "cycle", "wake", "hold", "work", "lock" };
    read_arguments(argc, argv);
    for (int i = 0; i < MAX_BODY; i++)
        filler[i] = text[(size_t)i % (sizeof text - 1)];
    if (!(conns = calloc((size_t)conn_count, sizeof *conns)) || !(sent_at = calloc(mode == CYCLE ? max_ops : 1, sizeof *sent_at))
        || !(given = calloc(mode == WORK ? MAX_TASK : 1, sizeof *given)))
        die("memory");
    if ((epoll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0)
        die("epoll_create1");

    /* Senders and receivers take different agents where there are enough of them; recipients are those who receive. */
    int senders = mode == CYCLE ? conn_count / 2 : mode == SEND ? conn_count : mode == WAKE ? 1 : 0;
    int first_receiver = mode == HOLD || mode == WORK || mode == LOCK ? 0 : mode == WAKE ? 1 : agent_count - (conn_count - senders < agent_count / 2 ? conn_count - senders : agent_count / 2);
    recipient_from = mode == SEND ? 0 : first_receiver;
    recipient_count = mode == SEND || mode == HOLD || mode == WORK || mode == LOCK ? agent_count : mode == WAKE ? 1 : agent_count - first_receiver;
    for (int i = 0; i < conn_count; i++) {
        bool receiver = i >= senders;
        int agent = receiver ? recipient_from + (i - senders) % recipient_count
                             : i % (mode == SEND || mode == HOLD ? agent_count : first_receiver);
        conns[i].receiver = receiver;
        open_conn(&conns[i], i, agent);
        if (receiver && redis)
            make_group(&conns[i]);
        if (receiver && mode != WORK && mode != LOCK)
            drain(&conns[i]);
    }

    uint64_t start = now_ns();
    double cpu = cpu_seconds();
    t_measure = t_last = start + (uint64_t)(warm_up * 1e9);
    t_stop = t_measure + (uint64_t)(seconds * 1e9);
    if (mode == WAKE)
        run_wake();
    else
        run_loop();
    cpu = (cpu_seconds() - cpu) / ((double)(now_ns() - start) / 1e9);

    /* Ended by count or by an error: the time until the last counted answer is what was measured. */
    bool by_count = issued >= max_ops || errors >= GIVE_UP_ERRORS || mode == WAKE;
    double measured = mode != HOLD && by_count && t_last > t_measure ? (double)(t_last - t_measure) / 1e9 : seconds;
    int64_t lost = mode == CYCLE || mode == WORK || mode == LOCK ? (int64_t)sent_ok - (int64_t)acked : 0;
    if (lost != 0)
        fail(NULL, lost > 0 ? "messages were lost" : "more was acknowledged than was sent", NULL, 0);
    printf("{\"mode\":\"%s\",\"server\":\"%s\",\"conns\":%d,\"agents\":%d,\"body_bytes\":%d,\"ops\":%" PRIu64 ",\"secs\":%.3f,\"ops_per_s\":%.0f,"
           "\"p50_us\":%" PRIu64 ",\"p90_us\":%" PRIu64 ",\"p99_us\":%" PRIu64 ",\"p999_us\":%" PRIu64 ",\"max_us\":%" PRIu64 ","
           "\"sent\":%" PRIu64 ",\"acked\":%" PRIu64 ",\"lost\":%" PRId64 ",\"errors\":%" PRIu64 ",\"generator_cpu\":%.2f}\n",
           names[mode], redis ? "redis" : "hive", conn_count, agent_count, body_bytes, ops, measured, (double)ops / measured,
           percentile(0.50), percentile(0.90), percentile(0.99), percentile(0.999), hist_max,
           sent_ok, acked, lost, errors, cpu);
    if (verbose)
        fprintf(stderr, "%s %s: %d connections, %.0f operations/s, p50 %" PRIu64 " us, p99 %" PRIu64 " us, p99.9 %" PRIu64
                " us, max %" PRIu64 " us, %" PRIu64 " errors, generator at %.0f %% of a core\n",
                redis ? "redis" : "hive", names[mode], conn_count, (double)ops / measured,
                percentile(0.50), percentile(0.99), percentile(0.999), hist_max, errors, cpu * 100);
    return errors ? 1 : 0;
}
