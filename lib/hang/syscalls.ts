/** A system call in which a process may be stuck, with its number by architecture, if any. */
export interface SyscallRow {
  readonly name: string;
  readonly x86_64: number | null;
  readonly aarch64: number | null;
  /** The kind of call: `poll` waits for one of several files, `signal` ends by a signal. */
  readonly does:
    | "read"
    | "write"
    | "poll"
    | "wait"
    | "connect"
    | "accept"
    | "sleep"
    | "lock"
    | "ioctl"
    | "signal";
}

/**
 * From the kernel's own tables: `arch/x86/entry/syscalls/syscall_64.tbl` and
 * `include/uapi/asm-generic/unistd.h`.
 */
export const SYSCALLS = [
  { name: "read", x86_64: 0, aarch64: 63, does: "read" },
  { name: "readv", x86_64: 19, aarch64: 65, does: "read" },
  { name: "recvfrom", x86_64: 45, aarch64: 207, does: "read" },
  { name: "recvmsg", x86_64: 47, aarch64: 212, does: "read" },
  { name: "write", x86_64: 1, aarch64: 64, does: "write" },
  { name: "writev", x86_64: 20, aarch64: 66, does: "write" },
  { name: "sendto", x86_64: 44, aarch64: 206, does: "write" },
  { name: "sendmsg", x86_64: 46, aarch64: 211, does: "write" },
  { name: "poll", x86_64: 7, aarch64: null, does: "poll" },
  { name: "ppoll", x86_64: 271, aarch64: 73, does: "poll" },
  { name: "select", x86_64: 23, aarch64: null, does: "poll" },
  { name: "pselect6", x86_64: 270, aarch64: 72, does: "poll" },
  { name: "epoll_wait", x86_64: 232, aarch64: null, does: "poll" },
  { name: "epoll_pwait", x86_64: 281, aarch64: 22, does: "poll" },
  { name: "epoll_pwait2", x86_64: 441, aarch64: 441, does: "poll" },
  { name: "wait4", x86_64: 61, aarch64: 260, does: "wait" },
  { name: "waitid", x86_64: 247, aarch64: 95, does: "wait" },
  { name: "connect", x86_64: 42, aarch64: 203, does: "connect" },
  { name: "accept", x86_64: 43, aarch64: 202, does: "accept" },
  { name: "accept4", x86_64: 288, aarch64: 242, does: "accept" },
  { name: "nanosleep", x86_64: 35, aarch64: 101, does: "sleep" },
  { name: "clock_nanosleep", x86_64: 230, aarch64: 115, does: "sleep" },
  { name: "futex", x86_64: 202, aarch64: 98, does: "lock" },
  { name: "ioctl", x86_64: 16, aarch64: 29, does: "ioctl" },
  { name: "pause", x86_64: 34, aarch64: null, does: "signal" },
  { name: "rt_sigsuspend", x86_64: 130, aarch64: 133, does: "signal" },
  { name: "rt_sigtimedwait", x86_64: 128, aarch64: 137, does: "signal" },
] as const satisfies readonly SyscallRow[];

/** Kernel functions in which processes sleep, for where the call itself can't be read. */
export const WAIT_CHANNELS = [
  { pattern: /pipe_write/, name: "write", does: "write" },
  { pattern: /pipe_read/, name: "read", does: "read" },
  { pattern: /^n_tty_read/, name: "read", does: "read" },
  { pattern: /^(do_wait|kernel_wait4)/, name: "wait4", does: "wait" },
  { pattern: /nanosleep/, name: "clock_nanosleep", does: "sleep" },
  { pattern: /^(ep_poll|do_epoll_wait)/, name: "epoll_wait", does: "poll" },
  { pattern: /^(poll_schedule_timeout|do_select|do_sys_poll|do_poll)/, name: "poll", does: "poll" },
  { pattern: /^futex/, name: "futex", does: "lock" },
  {
    pattern: /^unix_wait_for_peer|^inet_stream_connect|^inet_wait_for_connect/,
    name: "connect",
    does: "connect",
  },
  { pattern: /^inet_csk_(accept|wait_for_connect)/, name: "accept", does: "accept" },
] as const satisfies readonly {
  readonly pattern: RegExp;
  readonly name: string;
  readonly does: SyscallRow["does"];
}[];

/** Wait channels of a write to a pipe; newer kernels have one for anonymous pipes. */
export const PIPE_WRITE = /(^|_)pipe_write/;
