/*
 * The program of a pod's sandbox: holds the pod's namespaces, and reaps the orphans of a shared PID namespace.
 *
 *   pause                 wait. SIGTERM, SIGINT: exit 0. SIGCHLD: reap every child that has ended.
 *   pause empty FOLDER    delete all that is in FOLDER; exit 1 when something stays.
 *
 * It blocks the signals it knows and waits for them one by one, so it needs no handlers, no libc and no heap. Blocked
 * signals reach even PID 1, which the kernel spares from those it has no handler for.
 *
 * `empty` is for agents that do not run as root: files that containers made are root's, and root is in the container.
 */

#if defined(__x86_64__)
enum {
    SYS_close = 3,
    SYS_lseek = 8,
    SYS_rt_sigprocmask = 14,
    SYS_wait4 = 61,
    SYS_rt_sigtimedwait = 128,
    SYS_getdents64 = 217,
    SYS_exit_group = 231,
    SYS_openat = 257,
    SYS_unlinkat = 263,
};
enum { O_DIRECTORY = 0x10000, O_NOFOLLOW = 0x20000 };

__asm__(".globl _start\n"
        "_start:\n"
        "    mov %rsp, %rdi\n"
        "    and $-16, %rsp\n"
        "    call run\n");

static long call(long number, long a, long b, long c, long d) {
    register long r10 __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
enum {
    SYS_unlinkat = 35,
    SYS_openat = 56,
    SYS_close = 57,
    SYS_getdents64 = 61,
    SYS_lseek = 62,
    SYS_exit_group = 94,
    SYS_rt_sigprocmask = 135,
    SYS_rt_sigtimedwait = 137,
    SYS_wait4 = 260,
};
enum { O_DIRECTORY = 0x4000, O_NOFOLLOW = 0x8000 };

__asm__(".globl _start\n"
        "_start:\n"
        "    mov x0, sp\n"
        "    bl run\n");

static long call(long number, long a, long b, long c, long d) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}
#else
#error "no system calls known for this machine"
#endif

enum { SIGINT = 2, SIGTERM = 15, SIGCHLD = 17 };
enum { SIG_BLOCK = 0, WNOHANG = 1, EVERY_CHILD = -1 };
enum { AT_FDCWD = -100, AT_REMOVEDIR = 0x200, EISDIR = 21, SEEK_SET = 0 };

#define BIT(signal) (1ul << ((signal) - 1))

/* getdents64(2) */
struct entry {
    unsigned long inode;
    long offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

static int is_self_or_parent(const char *name) {
    return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

static int empty(long folder);

/* 0 when it is gone. */
static int delete(long folder, const char *name) {
    long result = call(SYS_unlinkat, folder, (long)name, 0, 0);
    if (result != -EISDIR)
        return result != 0;
    long below = call(SYS_openat, folder, (long)name, O_DIRECTORY | O_NOFOLLOW, 0);
    if (below < 0)
        return 1;
    empty(below);
    call(SYS_close, below, 0, 0, 0);
    return call(SYS_unlinkat, folder, (long)name, AT_REMOVEDIR, 0) != 0;
}

/* 0 when nothing stays. Deleting moves the entries that follow, so it reads again until a pass finds no more to do. */
static int empty(long folder) {
    _Alignas(struct entry) char buffer[4096];
    int deleted, left;
    do {
        deleted = left = 0;
        call(SYS_lseek, folder, 0, SEEK_SET, 0);
        for (;;) {
            long size = call(SYS_getdents64, folder, (long)buffer, sizeof buffer, 0);
            if (size <= 0)
                break;
            for (long at = 0; at < size; at += ((struct entry *)(buffer + at))->length) {
                const char *name = ((struct entry *)(buffer + at))->name;
                if (is_self_or_parent(name))
                    continue;
                if (delete(folder, name) == 0)
                    deleted++;
                else
                    left++;
            }
        }
    } while (deleted);
    return left != 0;
}

static int empty_path(const char *path) {
    long folder = call(SYS_openat, AT_FDCWD, (long)path, O_DIRECTORY, 0);
    return folder < 0 || empty(folder);
}

static int wait_for_the_end(void) {
    const unsigned long signals = BIT(SIGINT) | BIT(SIGTERM) | BIT(SIGCHLD);

    call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&signals, 0, sizeof signals);
    for (;;) {
        long signal = call(SYS_rt_sigtimedwait, (long)&signals, 0, 0, sizeof signals);
        if (signal == SIGTERM || signal == SIGINT)
            return 0;
        while (call(SYS_wait4, EVERY_CHILD, 0, WNOHANG, 0) > 0)
            ;
    }
}

/* `stack` is what the kernel hands to a new program: argc, then argv. */
__attribute__((noreturn, used)) void run(long *stack) {
    char **argv = (char **)(stack + 1);
    int code = stack[0] == 3 && argv[1][0] == 'e' ? empty_path(argv[2]) : wait_for_the_end();
    for (;;)
        call(SYS_exit_group, code, 0, 0, 0);
}
