"""Types lines into an interactive shell at a terminal: argv is a text that the shell prints when it
is ready, and its command line. Standard input has a JSON list [keys, expected text] a line; with a
third element the keys are typed again until the text comes. Prints "ok" for each whose text came, else what the terminal showed. Ends the shell."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

ready, *argv = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(argv[0], argv)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))


def wait_for(text, seconds=20):
    seen, end = b"", time.monotonic() + seconds
    while text.encode() not in seen and time.monotonic() < end:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            read = os.read(terminal, 65536)
        except OSError:
            break
        if b"\x1b[6n" in read:  # the shell asks for the cursor's position
            os.write(terminal, b"\x1b[1;1R")
        if b"\x1b[c" in read or b"\x1b[0c" in read:  # and which terminal it is
            os.write(terminal, b"\x1b[?62c")
        seen += read
    shown = re.sub(rb"\x1b(\[[0-9;?<>=]*[a-zA-Z]|[=>78]|\][^\x07\x1b]*(\x07|\x1b\\))", b"", seen)
    return "ok" if text.encode() in seen else repr(shown.decode(errors="replace"))


if (first := wait_for(ready)) != "ok":
    print("not ready:", first)
for line in sys.stdin:
    keys, text, *again = json.loads(line)
    for seconds in [2] * 9 * len(again) + [20]:
        os.write(terminal, keys.encode())
        answer = wait_for(text, seconds)
        if answer == "ok":
            break
    print(answer, flush=True)
os.write(terminal, b"exit\r")
wait_for("until it has closed the terminal", 5)
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
