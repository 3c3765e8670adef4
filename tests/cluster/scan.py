"""Which of an address's TCP ports accept a connection: `scan.py ADDRESS [all]`. What is silent for a second is closed.

Without `all`: where services listen, where Docker publishes, and the last one."""
import resource
import select
import socket
import sys
import time

AT_ONCE, PATIENCE = 4000, 1
PORTS = range(1, 65536) if sys.argv[2:] == ['all'] else [*range(1, 10000), *range(32768, 33768), 65535]


def scan(address):
    family, found = socket.AF_INET6 if ':' in address else socket.AF_INET, []
    for first in range(0, len(PORTS), AT_ONCE):
        waiting, poll = {}, select.poll()
        for port in PORTS[first:first + AT_ONCE]:
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
