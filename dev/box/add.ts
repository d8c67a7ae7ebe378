import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { tryTool } from "../host/tool.ts";
import type { Box } from "./build.ts";
import { BOX_NAME } from "./config.ts";

/** Where a box is added to, and how Vagrant and libvirt are called there. */
export interface Vagrant {
  /** VAGRANT_HOME. */
  readonly home: string;
  readonly command: (words: readonly string[]) => string[];
  readonly virsh: (words: readonly string[]) => string[];
}

const ADD_LIMIT_MS = 600_000;
const ASK_LIMIT_MS = 30_000;
/** Vagrant's name for a slash, in names of directories and of volumes. */
const STORED_NAME = BOX_NAME.replaceAll("/", "-VAGRANTSLASH-");

/** Adds a box to Vagrant under its name, in place of what has that name; returns whether it had to. */
export async function addBox(box: Box, vagrant: Vagrant): Promise<boolean> {
  const stamp = join(vagrant.home, "boxes", STORED_NAME, "sluice-box");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === box.file) {
    return false;
  }
  rmSync(stamp, { force: true });
  const words = ["box", "add", "--no-tty", "--force", "--provider", "libvirt", "--name", BOX_NAME];
  const { exitCode, stdout, stderr } = await tryTool(
    vagrant.command([...words, box.file]),
    "",
    ADD_LIMIT_MS,
  );
  if (exitCode !== 0) {
    throw new CommandError(
      `vagrant does not take the box ${box.file}:\n${stdout}${stderr}`.trimEnd(),
    );
  }
  await removeVolumes(vagrant);
  writeFileSync(stamp, box.file);
  return true;
}

/**
 * Removes what libvirt keeps of former boxes of the name: machines would go on starting from it.
 * A libvirt that does not answer has nothing to remove.
 */
async function removeVolumes({ virsh }: Vagrant): Promise<void> {
  const listing = await tryTool(virsh(["--quiet", "vol-list", "default"]), "", ASK_LIMIT_MS);
  const names = listing.stdout.split("\n").map((line) => line.trim().split(/\s+/)[0] ?? "");
  for (const name of names.filter((volume) => volume.startsWith(`${STORED_NAME}_vagrant_box_`))) {
    await tryTool(virsh(["vol-delete", "--pool", "default", name]), "", ASK_LIMIT_MS);
  }
}
