import { join } from "node:path";

import type { LabPaths } from "./config.ts";
import { tapName } from "./network.ts";
import type { LabHost, Topology } from "./topology.ts";

/** What a guest has for memory is a file there. */
export const MEMORY_DIR = "/dev/shm";

/** What a guest boots from. */
export interface Boot {
  /** Directory that lab/image/build made. */
  readonly image: string;
  /** Base64 of the ed25519 public key that ssh lets in. */
  readonly publicKey: string;
}

/** Path of what a host has written to its disk, as differences from the image. */
export function diskPath(paths: LabPaths, host: string): string {
  return join(paths.stateDir, `${host}.cow`);
}

/** The command line that boots a host; its own words are for lab/image/guest/identity. */
export function guestCommand(
  paths: LabPaths,
  topology: Topology,
  host: LabHost,
  boot: Boot,
): string[] {
  const [gateway = "", prefix = ""] = topology.gateway.split("/");
  return [
    join(boot.image, "linux"),
    `mem=${host.memoryMb}M`,
    `ubd0=${diskPath(paths, host.name)},${join(boot.image, "disk")}`,
    "root=/dev/ubda",
    "rootfstype=ext4",
    "rw",
    // How the guest's programs call their kernel: by a filter of system calls where this machine lets
    // them, else by ptrace, which costs several switches of context for each call.
    "seccomp=auto",
    `vec0:transport=tap,ifname=${tapName(host.name)},mac=${host.mac},depth=64`,
    `umid=${host.name}`,
    `uml_dir=${join(paths.runDir, "uml")}/`,
    // One console, to the log; nothing reads terminals.
    "con=null",
    "con0=null,fd:1",
    "ssl=null",
    "quiet",
    "systemd.show_status=0",
    "net.ifnames=0",
    `lab.host=${host.name}`,
    `lab.address=${host.address}/${prefix}`,
    `lab.gateway=${gateway}`,
    `lab.user=${host.user}`,
    `lab.key=${boot.publicKey}`,
  ];
}
