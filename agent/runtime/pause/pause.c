/*
 * The program of a pod's sandbox: holds the pod's namespaces, and reaps the orphans of a shared PID namespace.
 *
 * It blocks the signals it knows and waits for them one by one, so it needs no handlers, no libc and no memory:
 *   SIGTERM, SIGINT   exit 0
 *   SIGCHLD           reap every child that has ended
 * Blocked signals reach even PID 1, which the kernel spares from those it has no handler for.
 */

#if defined(__x86_64__)
enum { SYS_rt_sigprocmask = 14, SYS_wait4 = 61, SYS_rt_sigtimedwait = 128, SYS_exit_group = 231 };

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
enum { SYS_exit_group = 94, SYS_rt_sigprocmask = 135, SYS_rt_sigtimedwait = 137, SYS_wait4 = 260 };

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

#define BIT(signal) (1ul << ((signal) - 1))

__attribute__((noreturn)) void _start(void) {
    const unsigned long signals = BIT(SIGINT) | BIT(SIGTERM) | BIT(SIGCHLD);

    call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&signals, 0, sizeof signals);
    for (;;) {
        long signal = call(SYS_rt_sigtimedwait, (long)&signals, 0, 0, sizeof signals);
        if (signal == SIGTERM || signal == SIGINT)
            break;
        while (call(SYS_wait4, EVERY_CHILD, 0, WNOHANG, 0) > 0)
            ;
    }
    for (;;)
        call(SYS_exit_group, 0, 0, 0, 0);
}
