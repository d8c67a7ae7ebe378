"""port-scan.py SECONDS ADDRESS:PORT...

Says of each port what it answers, a line each: "ADDRESS:PORT open", "refused", or "silent" if nothing
came within so many seconds. All are asked at once by one process: it also runs on the hosts
themselves, where Ansible needs this Python too, and those of the lab are slow at starting programs.
"""

import errno
import selectors
import socket
import sys
import time


def main(patience, targets):
    selector = selectors.DefaultSelector()
    answers = dict.fromkeys(targets, "silent")
    waiting = 0
    for target in targets:
        address, port = target.rsplit(":", 1)
        probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        probe.setblocking(False)
        code = probe.connect_ex((address, int(port)))
        if code == errno.EINPROGRESS:
            selector.register(probe, selectors.EVENT_WRITE, target)
            waiting += 1
        else:
            answers[target] = "open" if code == 0 else "refused"
    end = time.monotonic() + patience
    while waiting > 0 and time.monotonic() < end:
        for key, _ in selector.select(max(0, end - time.monotonic())):
            code = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            # A firewall's "unreachable" is a refusal as well.
            answers[key.data] = "open" if code == 0 else "refused"
            selector.unregister(key.fileobj)
            key.fileobj.close()
            waiting -= 1
    for target in targets:
        print(target, answers[target])


main(float(sys.argv[1]), sys.argv[2:])
