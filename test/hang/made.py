"""Hangs on demand: `made.py KIND [ARGUMENT…]` is the root of a tree that is stuck in a way that is known. READY names a FIFO that gets a line when all is set up."""
import ctypes, fcntl, os, pty, select, signal, socket, subprocess, sys, termios, threading, time

LOTS = b"x" * 1_000_000
HERE = [sys.executable, os.path.abspath(__file__)]


def ready():
    with open(os.environ["READY"], "w") as file:
        file.write("ready\n")


def fork(action, *arguments):
    pid = os.fork()
    if pid == 0:
        try:
            action(*arguments)
        finally:
            os._exit(0)
    return pid


def wait_for(condition):
    while not condition():
        time.sleep(0.01)


def channel(pid):
    with open(f"/proc/{pid}/wchan") as file:
        return file.read()


def state(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(") ")[2][0]


def until_asleep(pid, *channels):
    wait_for(lambda: state(pid) in "ST" and any(part in channel(pid) for part in channels))


# Blocked in a write.


def full_pipe(then):
    """A child with its standard output in a pipe that this process holds and does not read."""
    child = subprocess.Popen([*HERE, "chatter"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    until_asleep(child.pid, "pipe_write")
    ready()
    then(child)


def wait_for_writer():
    full_pipe(lambda child: child.wait())


def wait_for_any():
    full_pipe(lambda child: os.waitpid(-1, 0))


def read_other_stream():
    """The classic: the child fills its standard error, the parent reads its standard output."""
    child = subprocess.Popen([*HERE, "complain"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    until_asleep(child.pid, "pipe_write")
    ready()
    child.stdout.read()


def sleepy_reader():
    """The parent sleeps for as long as it takes, and the writer has slept for longer than a slow reader would."""

    def then(child):
        time.sleep(600)

    child = subprocess.Popen([*HERE, "chatter"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    until_asleep(child.pid, "pipe_write")
    threading.Timer(3, ready).start()
    then(child)


def dozing_reader():
    """The same, but the writer has not slept for long yet."""
    full_pipe(lambda child: time.sleep(600))


def stuck_runner():
    """The program that runs this holds the pipe of its output, and is stopped."""
    os.kill(os.getppid(), signal.SIGSTOP)
    wait_for(lambda: state(os.getppid()) == "T")
    child = fork(os.write, 1, LOTS)
    until_asleep(child, "pipe_write")
    ready()
    os.waitpid(child, 0)


def own_reader():
    """A process that holds both ends."""
    _, write = os.pipe()
    child = fork(os.write, write, LOTS)
    until_asleep(child, "pipe_write")
    ready()
    os.waitpid(child, 0)


def stray_reader():
    """Only a process that has left the tree holds the read end; it ends with the root, whose end of another pipe it waits for."""
    read, write = os.pipe()
    life, hold = os.pipe()

    def stray():
        os.close(write)
        os.close(hold)
        os.read(life, 1)

    os.waitpid(fork(fork, stray), 0)
    os.close(read)

    def chat():
        os.close(hold)
        os.write(write, LOTS)

    child = fork(chat)
    until_asleep(child, "pipe_write")
    ready()
    os.waitpid(child, 0)


def chatter():
    os.write(1, LOTS)


def complain():
    os.write(2, LOTS)


# Waiting for the registry: a port that another program holds.


def connect(port):
    client = socket.create_connection(("127.0.0.1", int(port)))
    client.sendall(b"hello")
    return client


def ask(port):
    client = connect(port)
    ready()
    client.recv(10)


def ask_by_loop(port):
    client = connect(port)
    loop = select.epoll()
    loop.register(client, select.EPOLLIN)
    ready()
    loop.poll()


def knock(port):
    """The queue of the listener is full."""
    kept = []
    while True:
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", int(port)))
        kept.append(client)
        if not select.select([], [client], [], 0.3)[1]:
            break
    late = socket.socket()
    threading.Timer(0.2, ready).start()
    late.connect(("127.0.0.1", int(port)))


def ask_unix(path):
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    client.sendall(b"hello")
    ready()
    client.recv(10)


def serve(how, where):
    """Not part of a tree: holds the registry."""
    if how == "unix":
        server = socket.socket(socket.AF_UNIX)
        server.bind(where)
        server.listen(5)
    else:
        server = socket.create_server(("127.0.0.1", int(where)), backlog=1 if how == "full" else 5)
    ready()
    if how == "accept":
        kept = server.accept()
        kept[0].recv(100)
    signal.pause()


# Waiting for an answer: a server of this tree.


def server_socket(family, path, backlog=5):
    if family == "unix":
        server = socket.socket(socket.AF_UNIX)
        server.bind(path + ".own")
        server.listen(backlog)
        return server
    host, kind = ("::1", socket.AF_INET6) if family == "tcp6" else ("127.0.0.1", socket.AF_INET)
    return socket.create_server((host, 0), family=kind, backlog=backlog)


def client_of(server):
    client = socket.socket(server.family)
    client.connect(server.getsockname())
    return client


def never_accepts(server):
    signal.pause()


def not_accepted(family, path):
    """The server listens and does not accept."""
    server = server_socket(family, path)
    child = fork(never_accepts, server)
    until_asleep(child, "pause")
    client = client_of(server)
    server.close()
    client.sendall(b"hello")
    ready()
    client.recv(10)


def queue_is_full(path):
    server = server_socket("tcp", path, 0)
    child = fork(never_accepts, server)
    until_asleep(child, "pause")
    first = client_of(server)
    late = socket.socket()
    address = server.getsockname()
    server.close()
    threading.Timer(0.2, ready).start()
    late.connect(address)


def accepted(how, path):
    """The server accepts, and then does not read, does not answer, or is slow to."""
    server = server_socket("unix" if how == "unix" else "tcp", path)
    got, told = os.pipe()

    def serve_one():
        connection = server.accept()[0]
        if how != "unread":
            connection.recv(100)
        os.write(told, b"!")
        if how == "slow":
            while True:
                time.sleep(0.5)
        signal.pause()

    child = fork(serve_one)
    client = client_of(server)
    server.close()
    client.sendall(b"hello")
    os.read(got, 1)
    until_asleep(child, "nanosleep" if how == "slow" else "pause")
    ready()
    if how == "lock":
        # An idle connection, and another reason to wait.
        threading.Thread(target=client.recv, args=(10,), daemon=True).start()
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()
    client.recv(10)


def watches(how, path):
    """An event loop, or a client with a time limit, waits for what a server does not send."""
    server = server_socket("tcp", path)
    got, told = os.pipe()

    def serve_one():
        connection = server.accept()[0]
        os.write(told, b"!")
        signal.pause()

    child = fork(serve_one)
    client = client_of(server)
    server.close()
    os.read(got, 1)
    until_asleep(child, "pause")
    ready()
    if how == "loop":
        loop = select.epoll()
        loop.register(client, select.EPOLLIN)
        loop.poll()
    else:
        client.settimeout(600)
        client.recv(1)


def own_server(path):
    """The server is in another thread of the client, and has a lock to wait for."""
    server = server_socket("tcp", path)
    lock = threading.Lock()
    lock.acquire()
    threading.Thread(target=lock.acquire).start()
    client = client_of(server)
    ready()
    client.recv(10)


def client_child(path):
    """The child that this process waits for is the client."""
    server = server_socket("tcp", path)
    other = fork(never_accepts, server)
    until_asleep(other, "pause")

    def ask_it():
        client = client_of(server)
        server.close()
        client.recv(10)

    child = fork(ask_it)
    server.close()
    until_asleep(child, "wait_for_more", "wait_woken", "sk_wait", "recv")
    ready()
    os.waitpid(child, 0)


def nothing_answers():
    """Needs a network in which packets to this address get lost."""
    client = socket.socket()
    threading.Timer(2.5, ready).start()
    client.connect(("10.9.9.9", 80))


def lonely_server(path):
    server = server_socket("tcp", path)
    child = fork(server.accept)
    server.close()
    until_asleep(child, "accept", "wait_for_connect")
    ready()
    os.waitpid(child, 0)


# A child that SIGINT can't end.


def stubborn(how):
    if how == "ignore":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    elif how == "block":
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    os.write(int(sys.argv[3]), b"!")
    signal.pause()


def start_stubborn(how):
    read, write = os.pipe()
    child = subprocess.Popen([*HERE, "stubborn", how, str(write)], pass_fds=[write], stdin=subprocess.DEVNULL)
    os.close(write)
    os.read(read, 1)
    until_asleep(child.pid, "pause")
    return child


def wait_for_stubborn(how):
    child = start_stubborn(how)
    ready()
    child.wait()


def wait_for_any_stubborn():
    start_stubborn("ignore")
    ready()
    os.waitpid(-1, 0)


def watch_stubborn():
    child = start_stubborn("ignore")
    loop = select.epoll()
    loop.register(os.pidfd_open(child.pid), select.EPOLLIN)
    ready()
    loop.poll()


def pending():
    child = start_stubborn("block")
    os.kill(child.pid, signal.SIGINT)
    ready()
    child.wait()


# A terminal is wanted.


def at_terminal(action, *channels):
    """The child is in front of a terminal of its own."""
    pid, master = pty.fork()
    if pid == 0:
        action()
        os._exit(0)
    until_asleep(pid, *channels)
    ready()
    # Its prompt is drained: it waits for an answer.
    while True:
        os.read(master, 1000)


def at_pdb():
    def debug():
        import pdb

        pdb.set_trace()

    at_terminal(debug, "n_tty_read", "wait_woken", "poll", "select")


def at_plain_prompt():
    at_terminal(lambda: os.read(0, 10), "n_tty_read", "wait_woken")


def in_background(action):
    """A process in the background of a terminal uses it, and is stopped for that."""

    def session():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

        def stray():
            os.setpgid(0, 0)
            action()

        child = fork(stray)
        wait_for(lambda: state(child) == "T")
        ready()
        os.waitpid(child, 0)

    pid, master = pty.fork()
    if pid == 0:
        session()
        os._exit(0)
    os.waitpid(pid, 0)


def read_in_background():
    in_background(lambda: os.read(0, 10))


def set_in_background():
    in_background(lambda: termios.tcsetattr(0, termios.TCSANOW, termios.tcgetattr(0)))


# No verdict.


def busy():
    ready()
    while True:
        pass


def sleep():
    ready()
    time.sleep(600)


def big_file(path):
    """Much output, into a file."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    os.dup2(file, 1)
    os.dup2(file, 2)
    child = fork(lambda: [os.write(1, LOTS) for _ in range(20)] and time.sleep(600))
    until_asleep(child, "nanosleep")
    ready()
    os.waitpid(child, 0)


def slow_reader(seconds):
    """It is slow, but it reads."""
    read, write = os.pipe()

    def chatter():
        os.close(read)
        while True:
            os.write(write, LOTS)

    child = fork(chatter)
    until_asleep(child, "pipe_write")
    threading.Timer(1.5, ready).start()
    while True:
        time.sleep(float(seconds))
        os.read(read, 8192)


def busy_reader():
    """It computes, and may read on."""
    read, write = os.pipe()
    fork(lambda: [os.close(read), os.write(write, LOTS)])
    threading.Timer(0.5, ready).start()
    while True:
        pass


def threads():
    """Two threads, each has the lock that the other one wants."""
    first, second = threading.Lock(), threading.Lock()
    both = threading.Barrier(2)

    def take(one, other):
        with one:
            both.wait()
            with other:
                pass

    threading.Thread(target=take, args=(first, second)).start()
    threading.Timer(0.5, ready).start()
    take(second, first)


def actors():
    """Two processes, each reads from the other."""
    there, back = os.pipe(), os.pipe()

    def peer():
        os.close(back[1]), os.close(there[0])
        os.read(back[0], 1)
        os.write(there[1], b"!")

    child = fork(peer)
    os.close(there[1]), os.close(back[0])
    until_asleep(child, "pipe_read")
    ready()
    os.read(there[0], 1)


def closed(method, how):
    """Processes of multiprocessing that wait for each other; in some cases something may end it."""
    import multiprocessing

    context = multiprocessing.get_context(method)
    tasks, results = context.Queue(), context.Queue()
    reader, writer = context.Pipe(duplex=False)
    if how == "outside":
        # A process that has left the tree holds the write ends too.
        life, hold = os.pipe()
        os.waitpid(fork(fork, lambda: [os.close(hold), os.read(life, 1)]), 0)
    if how == "pipe":
        worker = context.Process(target=reader.recv)
    else:
        worker = context.Process(target=take_two, args=(tasks, results, how))
    worker.start()
    if how != "pipe":
        results.get()
    if how == "writer":
        context.Process(target=late_writer, args=(tasks,)).start()
    if how == "thread":
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    if how == "alarm":
        signal.signal(signal.SIGALRM, lambda *_: tasks.put(1))
        signal.setitimer(signal.ITIMER_REAL, 600)
    until_asleep(worker.pid, "poll" if how == "timed_worker" else "pipe_read")
    ready()
    if how in ("pipe", "join"):
        worker.join()
    else:
        results.get(timeout=600 if how == "timed" else None)


def take_two(tasks, results, how):
    results.put("started")
    tasks.get(timeout=600 if how == "timed_worker" else None)


def late_writer(tasks):
    time.sleep(600)


def reads_itself():
    read, _ = os.pipe()
    ready()
    os.read(read, 1)


def ready_later(*channels):
    """A process outside of the tree waits for this one to sleep: a thread of it would still end when it is ready."""
    root = os.getpid()

    def watch():
        time.sleep(1)
        until_asleep(root, *channels)
        ready()

    os.waitpid(fork(fork, watch), 0)


def early():
    """A process that is being started has yet to open the lock by its name, and to release it."""
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    event = context.Event()
    os.environ["HELD"] = "1"
    starting = context.Process(target=take_lock, args=(event,))
    starting.start()
    until_asleep(starting.pid, "nanosleep")
    ready()
    event.wait()


def together(method, how):
    """Processes of multiprocessing that share one lock or queue, of which none will be released or filled; in some cases something may do so."""
    import multiprocessing

    context = multiprocessing.get_context(method)
    queue, lock = context.Queue(), context.Semaphore(0)
    started = context.Queue()
    if how == "dead":
        lock = context.Lock()
        holder = context.Process(target=take_lock, args=(lock,))
        holder.start()
        holder.join()
    if how == "outside":
        # A process that has left the tree shares the lock.
        life, hold = os.pipe()
        os.waitpid(fork(fork, lambda: [os.close(hold), os.read(life, 1)]), 0)
    if how in ("sleeper", "newcomer"):
        # It shares the lock, or may be about to open it by its name.
        fork(time.sleep, 600) if how == "sleeper" else subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL)
    if how == "signal":
        signal.signal(signal.SIGUSR1, lambda *_: lock.release())
    limit = 600 if how == "timed" else None
    workers = [context.Process(target=report_and, args=(started, queue if how == "queue" else None, lock, limit)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        started.get()
    for worker in workers:
        until_asleep(worker.pid, "futex", "pipe_read")
    ready()
    lock.acquire() if how == "parent" else workers[0].join()


def take_lock(lock):
    lock.acquire()


def report_and(started, queue, lock, limit):
    started.put("started")
    time.sleep(0.1)
    (queue.get if queue else lock.acquire)(True, limit)


def never(event):
    EVENT.wait()


def pool(kind):
    """The workers of a pool wait for what only they, or this process, could do."""
    global EVENT
    import concurrent.futures, multiprocessing

    ready_later("futex")
    context = multiprocessing.get_context("fork")
    EVENT = context.Event()
    if kind == "executor":
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
            list(executor.map(never, range(3)))
    else:
        with context.Pool(2) as workers:
            workers.map(never, range(3))


def duplex(how):
    """Both sides of a Pipe() in both directions receive."""
    import multiprocessing

    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    if how == "outside":
        life, hold = os.pipe()
        os.waitpid(fork(fork, lambda: [os.close(hold), os.read(life, 1)]), 0)
    worker = context.Process(target=there.recv)
    worker.start()
    until_asleep(worker.pid, "unix_stream", "pipe_read")
    ready()
    if how == "limit":
        here = socket.socket(fileno=here.fileno())
        here.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, b"\0" * 15 + b"\1")
    here.poll(600) if how == "timed" else here.recv(*([1] if how == "limit" else []))


def communicates():
    """The output of a child is read to its end, but a worker that waits too holds the input of that child."""
    import multiprocessing

    ready_later("poll")
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    worker = context.Process(target=queue.get)
    worker.start()
    until_asleep(worker.pid, "pipe_read")
    child.communicate()


def loop(how):
    """An event loop of asyncio."""
    import asyncio

    async def main():
        running = asyncio.get_running_loop()
        running.call_later(0.5, ready)
        if how == "timer":
            running.call_later(600, print)
        if how == "child":
            child = await asyncio.create_subprocess_exec("cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            await child.stdout.read()
        if how == "server":
            await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        if how == "event":
            file = os.eventfd(0)
            running.add_reader(file, print)
        if how == "signal":
            running.add_signal_handler(signal.SIGUSR1, print)
        if how == "inherited":
            fork(time.sleep, 600)
        if how == "sleeper":
            child = await asyncio.create_subprocess_exec("sleep", "600", stdout=subprocess.PIPE)
            await child.stdout.read()
        await asyncio.Event().wait()

    asyncio.run(main())


def whole_day():
    """As trio's loop, which wakes up once a day."""
    here, there = socket.socketpair()
    watched = select.epoll()
    watched.register(here, select.EPOLLIN)
    ready()
    watched.poll(86400)


def selects(how):
    read, write = os.pipe()
    ready()
    if how == "select":
        select.select([read], [], [])
    one = select.poll()
    one.register(read, select.POLLIN)
    one.poll(600_000 if how == "timed" else None)


def polite_child():
    """A parent waits for a child that SIGINT would end."""
    child = subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL)
    ready()
    child.wait()


def stopped():
    child = subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL)
    child.send_signal(signal.SIGSTOP)
    wait_for(lambda: state(child.pid) == "T")
    ready()
    child.wait()


def stopped_writer():
    """The reader of a full pipe is stopped, and is of this tree: it is the reason."""
    read, write = os.pipe()

    def sleep_on():
        os.close(write)
        signal.pause()

    reader = fork(sleep_on)
    os.close(read)
    until_asleep(reader, "pause")
    os.kill(reader, signal.SIGSTOP)
    wait_for(lambda: state(reader) == "T")
    child = fork(os.write, write, LOTS)
    until_asleep(child, "pipe_write")
    ready()
    os.waitpid(child, 0)


def stopped_root():
    ready()
    os.kill(os.getpid(), signal.SIGSTOP)


def not_reaped(how):
    """A child has ended, and this process waits for something else."""
    read, write = os.pipe()
    child = fork(lambda: None)
    wait_for(lambda: state(child) == "Z")
    if how == "sleep":
        ready()
        time.sleep(600)
    elif how == "other":
        other = subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL)
        ready()
        other.wait()
    elif how == "busy":
        ready()
        while True:
            pass
    elif how == "polls":
        ready()
        while True:
            time.sleep(0.05)
    else:
        ready()
        os.read(read, 1)


def first_thread_ended():
    """A child whose first thread has ended seems to be dead, but its other thread lives."""

    def leave():
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
        ctypes.CDLL(None).pthread_exit(None)

    child = fork(leave)
    wait_for(lambda: state(child) == "Z")
    ready()
    signal.pause()


def file_lock(path):
    file = open(path, "w")
    fcntl.flock(file, fcntl.LOCK_EX)

    def want():
        fcntl.flock(open(path), fcntl.LOCK_EX)

    child = fork(want)
    until_asleep(child, "flock", "lock")
    ready()
    os.waitpid(child, 0)


if __name__ == "__mp_main__" and "HELD" in os.environ:
    time.sleep(600)
if __name__ == "__main__":
    # The process that started this may end before it.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if sys.argv[1] not in ("stubborn", "chatter", "complain"):
        signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments = sys.argv[2:3] if sys.argv[1] == "stubborn" else sys.argv[2:]
    globals()[sys.argv[1]](*arguments)
