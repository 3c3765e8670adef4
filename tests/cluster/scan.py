"""Which of an address's 65,535 TCP ports accept a connection: `scan.py ADDRESS`. What is silent for a second is closed."""
import resource
import select
import socket
import sys
import time

AT_ONCE, PATIENCE = 4000, 1


def scan(address):
    family, found = socket.AF_INET6 if ':' in address else socket.AF_INET, []
    for first in range(1, 65536, AT_ONCE):
        waiting, poll = {}, select.poll()
        for port in range(first, min(first + AT_ONCE, 65536)):
            one = socket.socket(family)
            one.setblocking(False)
            one.connect_ex((address, port))
            waiting[one.fileno()] = (port, one)
            poll.register(one, select.POLLOUT)
        end = time.monotonic() + PATIENCE
        while waiting and time.monotonic() < end:
            for number, _ in poll.poll(100):
                port, one = waiting.pop(number)
                poll.unregister(number)
                if one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                    found.append(port)
                one.close()
        for _, one in waiting.values():
            one.close()
    return found


resource.setrlimit(resource.RLIMIT_NOFILE, (AT_ONCE + 100, max(AT_ONCE + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
print(*scan(sys.argv[1]))
