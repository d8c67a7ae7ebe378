import { existsSync, readFileSync, statfsSync } from "node:fs";

import { CommandError } from "../../src/operator/command.ts";
import { MEMORY_DIR } from "./guest-command.ts";
import type { LabHost } from "./topology.ts";

/** A guest's processes and the page cache of its disk, beyond the memory that it is given. */
const OVERHEAD_MB = 24;
const BYTES_PER_MB = 1024 * 1024;

/** Throws `CommandError` if this machine cannot run these hosts. */
export function checkMachine(hosts: readonly LabHost[]): void {
  if (!existsSync("/dev/net/tun")) {
    throw new CommandError(
      "/dev/net/tun is not there, and hosts are plugged into the network by it; " +
        "'modprobe tun' makes it, or in a container: --device /dev/net/tun",
    );
  }
  const neededMb = hosts.reduce((sum, host) => sum + host.memoryMb + OVERHEAD_MB, 0);
  const meminfo = readFileSync("/proc/meminfo", "utf8");
  const availableMb = Math.floor(Number(/MemAvailable: +(\d+)/.exec(meminfo)?.[1] ?? 0) / 1024);
  const advice =
    "Boot some of the hosts only (./sluice lab up HOST..), or give them less (vm_memory_mb)";
  if (neededMb > availableMb) {
    throw new CommandError(
      `the hosts take ${neededMb} MB of memory, and ${availableMb} MB are available. ${advice}`,
    );
  }
  const { bavail, bsize } = statfsSync(MEMORY_DIR);
  const roomMb = Math.floor((bavail * bsize) / BYTES_PER_MB);
  if (neededMb > roomMb) {
    throw new CommandError(
      `the hosts' memory, ${neededMb} MB, is kept in ${MEMORY_DIR}, where ${roomMb} MB are free. ` +
        `Enlarge it (mount -o remount,size=.. ${MEMORY_DIR}; in a container --shm-size). ${advice}`,
    );
  }
}
