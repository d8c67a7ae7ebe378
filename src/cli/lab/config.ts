import { homedir } from "node:os";
import { join, resolve } from "node:path";

import { readStateDir } from "../stack/config.ts";
import { LabError } from "./lab-error.ts";

export const ROOT = join(import.meta.dir, "..", "..", "..");

/** Names of network interfaces and namespaces are made of it, and those are short. */
const NAME = /^[a-z][a-z0-9-]{0,15}$/;

/** Where an instance of the lab keeps what. */
export interface Places {
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

/** Who called, when sudo was between: what is run for them is run as them. */
export interface Caller {
  readonly uid: number;
  readonly gid: number;
}

/** The instance that SLUICE_LAB names, `lab` by default. Throws `LabError`. */
export function readPlaces(): Places {
  const name = process.env["SLUICE_LAB"] ?? "lab";
  if (!NAME.test(name)) {
    throw new LabError(
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

/** The user behind sudo, or null without sudo. */
export function readCaller(): Caller | null {
  const uid = Number(process.env["SUDO_UID"] ?? "0");
  const gid = Number(process.env["SUDO_GID"] ?? "0");
  return uid > 0 && gid > 0 ? { uid, gid } : null;
}

/** The environment of programs of the lab; what is not named here stays as the operator set it. */
export function readEnvironment(extra: Readonly<Record<string, string>> = {}) {
  const path = `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`;
  return { ...process.env, PATH: path, ...extra };
}

/** What sudo is to hand on, as NAME=VALUE. */
export function readVariablesForSudo(): string[] {
  const wanted =
    /^(PATH|HOME|XDG_CACHE_HOME|TERM|LANG|VAGRANT_HOME|SLUICE_.*|ANSIBLE_.*|(https?|no)_proxy)$/i;
  return Object.entries(process.env).flatMap(([name, value]) =>
    wanted.test(name) && value !== undefined ? [`${name}=${value}`] : [],
  );
}
