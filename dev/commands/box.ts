import { type ArgsDef, defineCommand, type ParsedArgs } from "citty";

import { checkArguments, reportErrors } from "../../src/operator/command.ts";
import { addBox } from "../box/add.ts";
import { type Box, checkPinned, PINNED_PATH, provideBox } from "../box/build.ts";
import { BOX_NAME, readVagrantHome } from "../box/config.ts";
import { asCaller } from "../host/namespace.ts";
import { reportLine } from "../host/report-line.ts";
import { ranAsRoot } from "../host/root-rights.ts";
import { LIBVIRT_URI } from "../vagrant/libvirt.ts";

const args = {
  pinned: {
    type: "string",
    valueHint: "FILE",
    description: "refuse a box whose packages are not those of FILE, name=version a line",
  },
} as const;

/** A part of the command: as root, with its words checked, on a box that is there. */
function part(name: string, description: string, work: (box: Box) => Promise<void>) {
  const run = async (given: ParsedArgs<typeof args>): Promise<void> => {
    checkArguments(given, args satisfies ArgsDef);
    const box = await provideBox(reportLine);
    const list = given.pinned ?? PINNED_PATH;
    checkPinned(box, { list, isBinding: given.pinned !== undefined }, reportLine);
    await work(box);
  };
  return defineCommand({
    meta: { name, description },
    args,
    run: (context) =>
      reportErrors(`box ${name}`, async () => {
        if (!(await ranAsRoot())) {
          await run(context.args);
        }
      }),
  });
}

const build = part("build", "Builds a box of Debian 13 for libvirt", async (box) => {
  console.log(box.file);
  reportLine(`What is in it: ${box.manifest}`);
});

const add = part("add", `Adds it to Vagrant as ${BOX_NAME}`, async (box) => {
  const isNew = await addBox(box, {
    home: readVagrantHome(),
    command: (words) => asCaller(["vagrant", ...words]),
    virsh: (words) => ["virsh", "--connect", LIBVIRT_URI, ...words],
  });
  reportLine(isNew ? `Vagrant has it as ${BOX_NAME}.` : `Vagrant has this ${BOX_NAME} already.`);
});

export default defineCommand({
  meta: {
    name: "box",
    description: "Makes a Vagrant box from Debian's packages; takes root's rights",
  },
  subCommands: { build, add },
});
