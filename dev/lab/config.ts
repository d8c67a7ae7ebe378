import { homedir } from "node:os";
import { join, resolve } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { readStateDir } from "../host/environment.ts";

/** Names of network interfaces and namespaces are made of it, and those are short. */
const NAME = /^[a-z][a-z0-9-]{0,15}$/;

/** Where an instance of the lab keeps what. */
export interface LabPaths {
  readonly name: string;
  /** Of this instance alone: disks, keys, consoles. */
  readonly stateDir: string;
  /** Short paths, for sockets; gone with the next boot of the machine, as namespaces are. */
  readonly runDir: string;
  readonly cacheDir: string;
  /** Namespace of the control machine, which is the hosts' router, too. */
  readonly namespace: string;
  readonly crowdNamespace: string;
}

/** The instance that SLUICE_LAB names, `lab` by default. Throws `CommandError`. */
export function readLabPaths(): LabPaths {
  const name = process.env["SLUICE_LAB"] ?? "lab";
  if (!NAME.test(name)) {
    throw new CommandError(
      `SLUICE_LAB is '${name}'; it is to be a name of at most 16 small letters, digits and dashes`,
    );
  }
  const cacheHome = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return {
    name,
    stateDir: join(readStateDir({}), "lab", name),
    runDir: join("/run/sluice-lab", name),
    cacheDir: join(resolve(cacheHome), "sluice", "lab"),
    namespace: `sluice-${name}`,
    crowdNamespace: `sluice-${name}-crowd`,
  };
}
