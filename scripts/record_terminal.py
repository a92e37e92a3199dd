"""Runs commands one after another at a terminal: `record_terminal.py COLUMNS ROWS COMMAND…`.

Prints a line of JSON for each line of output: the command's index, seconds since its start, text.
"""

import fcntl, json, os, pty, signal, struct, sys, termios, time

MARK = b"\x1e"
columns, rows = int(sys.argv[1]), int(sys.argv[2])
os.environ.pop("NO_COLOR", None)
os.environ.update(TERM="xterm-256color", LINES=str(rows), COLUMNS=str(columns))
os.environ["TRACTEST_PAGER"] = "cat"  # a pager would wait for a key
# One shell for all of them: when a terminal is closed, what was started at it is hung up.
script = "".join(f"{command}; printf '\\036\\n'; " for command in sys.argv[3:])
pid, master = pty.fork()
if pid == 0:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    os.execvp("bash", ["bash", "-c", script])
index, start, rest = 0, time.monotonic(), b""
while True:
    try:
        data = os.read(master, 65536)
    except OSError:
        break
    *lines, rest = (rest + data).split(b"\n")
    for line in lines:
        if MARK in line:
            index, start = index + 1, time.monotonic()
        else:
            print(json.dumps([index, time.monotonic() - start, line.decode()]), flush=True)
os.waitpid(pid, 0)
