import { defineCommand } from "citty";

import { CommandError, reportErrors } from "../../src/operator/command.ts";
import { runAttached } from "../host/attached.ts";
import { ROOT } from "../host/checkout.ts";
import { readEnvironment } from "../host/environment.ts";
import { withLock } from "../host/host-lock.ts";
import { pickHosts } from "../host/inventory.ts";
import { mitogenSettings } from "../host/mitogen.ts";
import { insideCommand } from "../host/namespace.ts";
import { readPassthrough, withoutSeparator } from "../host/passthrough-args.ts";
import { reportLine } from "../host/report-line.ts";
import { ranAsRoot } from "../host/root-rights.ts";
import { sshConfigPath } from "../host/ssh.ts";
import { readInventoryName, readVagrantPaths, type VagrantPaths } from "../vagrant/config.ts";
import { existMachines, tearDownMachines } from "../vagrant/down.ts";
import { onControlMachine, vagrantEnvironment, withLibvirt } from "../vagrant/inside.ts";
import { readMachinesUp, readRememberedPaths, refuseForeignMachines } from "../vagrant/instance.ts";
import { setMachinePower } from "../vagrant/machines.ts";
import { measureTimeFactor } from "../vagrant/time-factor.ts";
import { bringMachinesUp, runVagrant } from "../vagrant/up.ts";

const EXIT_WRONG = 2;

/** A part of the command, as root. Its words are those behind its name, for itself or for others. */
function part(
  name: string,
  description: string,
  work: (paths: VagrantPaths, words: readonly string[]) => Promise<void>,
) {
  return defineCommand({
    meta: { name, description },
    run: () =>
      reportErrors(
        `vagrant ${name}`,
        async () => {
          if (!(await ranAsRoot())) {
            const paths = readVagrantPaths();
            // `up` alone chooses; all others are for what is up.
            await work(name === "up" ? paths : readRememberedPaths(paths), readPassthrough());
          }
        },
        EXIT_WRONG,
      ),
  });
}

const up = part(
  "up",
  "[OPTIONS..] [HOST..]: vagrant up, with our box, in a libvirt of our own",
  async (paths, words) => {
    process.exitCode = await withLock("vagrant", reportLine, () =>
      bringMachinesUp(paths, readInventoryName(), words, reportLine),
    );
  },
);

const down = part("down", "vagrant destroy, and all that was around it", async (paths) => {
  refuseForeignMachines(paths);
  if (!existMachines(paths)) {
    reportLine("there are no virtual machines up");
    return;
  }
  const left = await withLock("vagrant", reportLine, () => tearDownMachines(paths));
  if (left.length > 0) {
    const since = paths.libvirt === "own" ? ", until now" : "";
    throw new CommandError(`vagrant destroy left${since}: ${left.join(", ")}`);
  }
});

const status = part("status", "vagrant status", async (paths, words) => {
  const { instance } = readMachinesUp(paths);
  process.exitCode = await runVagrant(paths, instance.inventory, ["status", ...words]);
});

const power = part(
  "power",
  "Takes a host's power away (off HOST..), or gives it back (on HOST..)",
  async (paths, [state, ...names]) => {
    if ((state !== "on" && state !== "off") || names.length === 0) {
      throw new CommandError("which? ./sluice vagrant power on|off HOST..");
    }
    const { machines } = readMachinesUp(paths);
    await setMachinePower(paths, state, pickHosts(machines, names), reportLine);
  },
);

const ssh = part("ssh", "HOST [COMMAND..]: a shell on a host", async (paths, [name, ...words]) => {
  if (name === undefined) {
    throw new CommandError("which host? ./sluice vagrant ssh HOST [COMMAND..]");
  }
  pickHosts(readMachinesUp(paths).machines, [name]);
  const command = ["ssh", "-F", sshConfigPath(paths), name];
  const asked = withoutSeparator(words);
  process.exitCode = await runAttached(
    onControlMachine(paths, [...command, ...(asked.length > 0 ? ["--", ...asked] : [])]),
  );
});

const exec = part(
  "exec",
  "[--crowd] -- COMMAND..: runs a program beside libvirt, or in the crowd's network",
  async (paths, given) => {
    const { instance } = readMachinesUp(paths);
    const isCrowd = given[0] === "--crowd";
    const command = withoutSeparator(given.slice(isCrowd ? 1 : 0));
    if (command.length === 0) {
      throw new CommandError("what is to be run? ./sluice vagrant exec [--crowd] -- COMMAND..");
    }
    if (isCrowd && paths.libvirt === "system") {
      throw new CommandError("with the machine's own libvirt there is no crowd's network");
    }
    process.exitCode = await runAttached(
      isCrowd ? insideCommand(paths.crowdNamespace, command) : withLibvirt(paths, command),
      { environment: vagrantEnvironment(paths, instance.inventory) },
    );
  },
);

const playbook = part(
  "playbook",
  "FILE [OPTIONS..]: runs ansible-playbook against the virtual machines",
  async (paths, words) => {
    const { instance } = readMachinesUp(paths);
    const inventory = `inventories/${instance.inventory}/hosts.yml`;
    process.exitCode = await runAttached(
      onControlMachine(paths, ["ansible-playbook", "-i", inventory, ...words]),
      {
        cwd: `${ROOT}/ansible`,
        environment: {
          ...vagrantEnvironment(paths, instance.inventory),
          ...mitogenSettings(readEnvironment()),
        },
      },
    );
  },
);

const timeFactor = part(
  "time-factor",
  "Prints how many times slower than a host of the lab they are",
  async (paths) => {
    console.log(String(await measureTimeFactor(paths, readMachinesUp(paths).machines)));
  },
);

export default defineCommand({
  meta: {
    name: "vagrant",
    description:
      "Runs the topology in virtual machines, apart from this machine; takes root's rights",
  },
  subCommands: { up, down, status, power, ssh, exec, playbook, "time-factor": timeFactor },
});
