import { dlopen, ptr } from "bun:ffi";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/**
 * A process that stops listening resets the connections that the kernel has accepted in its name
 * and it has not looked at yet. Nginx may have written a purchase into one by then, and must not
 * send it again: without this, one restart in two lost one (four nodes, 18 thousand requests/s).
 * So the door is shut before: from then on the listening socket does not hear the packets that open
 * a connection, and everything else goes on. Who knocks hears nothing, which Nginx takes to another
 * node after its connect timeout, since nothing was sent. Those who had come before are waited for
 * (`countConnections`): an Nginx that is short of time may write its purchase into a connection long
 * after it was opened.
 *
 * The means is the smallest time to live of packets that a socket listens to (IP_MINTTL, RFC 5082,
 * meant for routers): nobody sends more than 255, and hardly anybody as much. It takes no rights; a
 * filter on the socket would say it more plainly, but newer kernels (6.18.44, 7.3) want CAP_NET_ADMIN
 * for one on TCP.
 */
const shutTtl = 255;
const openTtl = 0;

/** Level and name of the option, for what comes by IPv4 and by IPv6. */
const IP_MINTTL = [0, 21] as const;
const IPV6_MINHOPCOUNT = [41, 73] as const;
/** States of a socket in /proc/net/tcp. */
const LISTEN = "0A";
const ESTABLISHED = "01";
const SYN_RECV = "03";

/** Has this process's listening sockets on a port accept no new connections. Throws if it cannot. */
export function shutDoor(port: number): void {
  const descriptors = findDescriptors(port, LISTEN);
  if (descriptors.length === 0) {
    throw new Error(`this process has no listening socket on port ${port}`);
  }
  if (setTtl(descriptors, shutTtl) < descriptors.length) {
    throw new Error(`the kernel does not take IP_MINTTL for the listening socket on port ${port}`);
  }
}

/**
 * Has this process hear those who were on the threshold when the door was shut: a connection takes
 * after the listening socket at the moment that it comes about. What was not heard is sent again.
 */
export function hearThoseInside(port: number): void {
  setTtl(findDescriptors(port, ESTABLISHED), openTtl);
}

/** Returns how many of the sockets took it; one that was closed meanwhile does not. */
function setTtl(descriptors: readonly number[], ttl: number): number {
  const value = new Int32Array([ttl]);
  const libc = dlopen("libc.so.6", {
    setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  });
  try {
    return descriptors.filter((descriptor) => {
      const set = ([level, name]: readonly [number, number]) =>
        libc.symbols.setsockopt(descriptor, level, name, ptr(value), value.byteLength) === 0;
      // A socket of IPv4 does not know the other one.
      const results = [set(IP_MINTTL), set(IPV6_MINHOPCOUNT)];
      return results.includes(true);
    }).length;
  } finally {
    libc.close();
  }
}

/**
 * Connections to a port of this host that are open or about to be, whether or not the process has
 * looked at them. With the door shut their number only falls, and at 0 there is nobody whom a
 * listener that closes could reset.
 */
export function countConnections(port: number): number {
  return readSockets(port).filter(({ state }) => state === ESTABLISHED || state === SYN_RECV)
    .length;
}

/** Descriptors of this process's sockets in a state: by the inode that both tables know. */
function findDescriptors(port: number, wanted: string): number[] {
  const inodes = new Set(
    readSockets(port)
      .filter(({ state }) => state === wanted)
      .map(({ inode }) => `socket:[${inode}]`),
  );
  return readdirSync("/proc/self/fd")
    .filter((descriptor) => inodes.has(link(`/proc/self/fd/${descriptor}`)))
    .map(Number);
}

interface TcpSocket {
  readonly state: string;
  readonly inode: string;
}

/** Sockets whose own end is at that port, of the network namespace. */
function readSockets(port: number): TcpSocket[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const sockets: TcpSocket[] = [];
  for (const table of ["/proc/self/net/tcp", "/proc/self/net/tcp6"]) {
    for (const line of read(table).split("\n").slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (local?.endsWith(suffix) === true && state !== undefined && inode !== undefined) {
        sockets.push({ state, inode });
      }
    }
  }
  return sockets;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // No IPv6 here, say.
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // The descriptor that the list itself was read with.
  }
}
