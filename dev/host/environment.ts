import { resolve } from "node:path";

import type { Environment } from "../../src/process/variables.ts";
import { STATE_DIR_DEFAULT } from "./checkout.ts";

/** Who called, when sudo was between: what is run for them is run as them. */
export interface Caller {
  readonly uid: number;
  readonly gid: number;
}

/** The user behind sudo, or null without sudo. */
export function readCaller(): Caller | null {
  const uid = Number(process.env["SUDO_UID"] ?? "0");
  const gid = Number(process.env["SUDO_GID"] ?? "0");
  return uid > 0 && gid > 0 ? { uid, gid } : null;
}

/** Debian keeps servers in /usr/sbin, which is not on an ordinary user's PATH. */
export function readSearchPath(): string {
  return `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`;
}

/** The environment of programs that are started; what is not named here stays as the operator set it. */
export function readEnvironment(extra: Readonly<Record<string, string>> = {}) {
  return { ...process.env, PATH: readSearchPath(), ...extra };
}

/** What sudo sets anew, even if it is told to preserve it; no secret is in these. */
const resetBySudo = /^(PATH|HOME|XDG_CACHE_HOME|TERM|LANG|VAGRANT_HOME)$/;
/** What may hold a secret, such as a proxy with a password. */
const preservedBySudo = /^(SLUICE_.*|ANSIBLE_.*|(https?|no)_proxy)$/i;

/**
 * How sudo is called so that a command after it has the variables that it needs. Those that may
 * hold a secret are named only: every user can read an argument in the process list.
 */
export function readSudoCommand(environment: Environment = process.env): string[] {
  const set = Object.entries(environment).filter(([, value]) => value !== undefined);
  const names = set.map(([name]) => name).filter((name) => preservedBySudo.test(name));
  const reset = set.filter(([name]) => resetBySudo.test(name));
  return [
    "sudo",
    ...(names.length === 0 ? [] : [`--preserve-env=${names.join(",")}`]),
    "--",
    "env",
    ...reset.map(([name, value]) => `${name}=${value}`),
  ];
}

/** The state directory: `--state`, else SLUICE_STATE, else `.sluice` in the checkout. */
export function readStateDir(flags: Readonly<Record<string, unknown>> = {}): string {
  const given = [flags["state"], process.env["SLUICE_STATE"]].find(
    (text): text is string => typeof text === "string" && text !== "",
  );
  return given === undefined ? STATE_DIR_DEFAULT : resolve(given);
}
