import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Name of the box that this checkout makes. */
export const BOX_NAME = "sluice/debian-13";

/** Where boxes are kept that were built. */
export function readBoxCache(): string {
  const cacheHome = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return join(resolve(cacheHome), "sluice", "box");
}

/** Vagrant's own directory of whoever calls it. */
export function readVagrantHome(): string {
  return process.env["VAGRANT_HOME"] ?? join(homedir(), ".vagrant.d");
}

/** The box of the machines: our own, unless SLUICE_VAGRANT_BOX names another. */
export function readBoxName(): string {
  return process.env["SLUICE_VAGRANT_BOX"] ?? BOX_NAME;
}
