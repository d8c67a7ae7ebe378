import { dlopen, ptr } from "bun:ffi";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/**
 * A process that closes its listening socket resets the connections that the kernel has accepted in
 * its name and it has not read from yet. Nginx may have written a purchase into one by then, and
 * must not send it again: without this, one restart in two lost one (four nodes, 18 thousand
 * requests/s). So it stops accepting before it closes: from then on the listening socket ignores
 * the packets that open a connection, and everything else goes on. Whoever connects gets no answer,
 * which Nginx takes to another node after its connect timeout, since nothing was sent. Connections
 * that were open before are waited for (`countOpenConnections`): an Nginx that is short of time may
 * write its purchase into one long after it was opened.
 *
 * The means is the smallest time to live of packets that a socket takes (IP_MINTTL, RFC 5082, meant
 * for routers): nobody sends more than 255, and hardly anybody as much. It needs no rights; a
 * filter on the socket would be plainer, but newer kernels (6.18.44, 7.3) want CAP_NET_ADMIN for
 * one on TCP.
 */
const ignoringMinTtl = 255;
const acceptingMinTtl = 0;

/** How often connections are counted, in milliseconds. */
const countPollMs = 20;

/** Level and name of the option, for what comes by IPv4 and by IPv6. */
const IP_MINTTL = [0, 21] as const;
const IPV6_MINHOPCOUNT = [41, 73] as const;
/** States of a socket in /proc/net/tcp. */
const LISTEN = "0A";
const ESTABLISHED = "01";
const SYN_RECV = "03";

export interface ListenerDrainOptions {
  /** How long new connections are ignored at the least, in milliseconds. */
  readonly atLeastMs: number;
  /** How long the open ones are waited for beyond that. */
  readonly patienceMs: number;
  /** The listener goes on accepting: without the kernel's option, or the engine's ffi. */
  readonly onStillAccepting: (error: unknown) => void;
}

/**
 * Stops accepting connections and waits until the last one is closed. Returns how many are open all
 * the same when patience ends: 0 if a listener that closes now resets nobody.
 */
export async function drainListener(port: number, options: ListenerDrainOptions): Promise<number> {
  let accepting = false;
  try {
    stopAccepting(port);
  } catch (error) {
    accepting = true;
    options.onStillAccepting(error);
  }
  const leastMs = performance.now() + options.atLeastMs;
  const lastMs = leastMs + options.patienceMs;
  for (;;) {
    await Bun.sleep(countPollMs);
    if (!accepting) {
      unmuteConnections(port);
    }
    const open = countOpenConnections(port);
    if (performance.now() >= (open > 0 ? lastMs : leastMs)) {
      return open;
    }
  }
}

/**
 * Has this process's listening sockets on a port accept no new connections. Throws if it cannot.
 */
function stopAccepting(port: number): void {
  const descriptors = findDescriptors(port, LISTEN);
  if (descriptors.length === 0) {
    throw new Error(`this process has no listening socket on port ${port}`);
  }
  if (setMinTtl(descriptors, ignoringMinTtl) < descriptors.length) {
    throw new Error(`the kernel does not take IP_MINTTL for the listening socket on port ${port}`);
  }
}

/**
 * Has this process receive from the connections that were about to be opened when it stopped
 * accepting: a connection inherits the option from the listening socket at the moment that it comes
 * about, and would ignore what its client sends. What was ignored is sent again by the client's
 * kernel.
 */
function unmuteConnections(port: number): void {
  setMinTtl(findDescriptors(port, ESTABLISHED), acceptingMinTtl);
}

/** Returns how many of the sockets took it; one that was closed meanwhile does not. */
function setMinTtl(descriptors: readonly number[], minTtl: number): number {
  const value = new Int32Array([minTtl]);
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
 * read from them. Once it accepts no more, their number only falls.
 */
function countOpenConnections(port: number): number {
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
    .filter((descriptor) => inodes.has(readLink(`/proc/self/fd/${descriptor}`)))
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
    for (const line of readTable(table).split("\n").slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (local?.endsWith(suffix) === true && state !== undefined && inode !== undefined) {
        sockets.push({ state, inode });
      }
    }
  }
  return sockets;
}

function readTable(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // Without IPv6, for example.
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // The descriptor that the list itself was read with.
  }
}
