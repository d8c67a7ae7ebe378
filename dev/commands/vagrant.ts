import { defineCommand } from "citty";

import { CommandError, reportErrors } from "../../src/operator/command.ts";
import { runAttached } from "../host/attached.ts";
import { ROOT } from "../host/checkout.ts";
import { readEnvironment } from "../host/environment.ts";
import { withLock } from "../host/host-lock.ts";
import { pickHosts } from "../host/inventory.ts";
import { mitogenSettings } from "../host/mitogen.ts";
import { insideCommand } from "../host/namespace.ts";
import { readPassed, withoutMark } from "../host/passthrough-args.ts";
import { ranAsRoot } from "../host/root-rights.ts";
import { sshConfigPath } from "../host/ssh.ts";
import { readInventoryName, readVagrantPlaces, type VagrantPlaces } from "../vagrant/config.ts";
import { existMachines, tearDownMachines } from "../vagrant/down.ts";
import { onControlMachine, vagrantEnvironment, withLibvirt } from "../vagrant/inside.ts";
import { readMachinesUp, refuseForeignMachines, rememberedPlaces } from "../vagrant/instance.ts";
import { setMachinePower } from "../vagrant/machines.ts";
import { measureTimeFactor } from "../vagrant/time-factor.ts";
import { bringMachinesUp, runVagrant } from "../vagrant/up.ts";

const EXIT_WRONG = 2;

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A part of the command, as root. Its words are those behind its name, for itself or for others. */
function part(
  name: string,
  description: string,
  work: (places: VagrantPlaces, words: readonly string[]) => Promise<void>,
) {
  return defineCommand({
    meta: { name, description },
    run: () =>
      reportErrors(
        `vagrant ${name}`,
        async () => {
          if (!(await ranAsRoot())) {
            const places = readVagrantPlaces();
            // `up` alone chooses; all others are for what is up.
            await work(name === "up" ? places : rememberedPlaces(places), readPassed());
          }
        },
        EXIT_WRONG,
      ),
  });
}

const up = part(
  "up",
  "[OPTIONS..] [HOST..]: vagrant up, with our box, in a libvirt of our own",
  async (places, words) => {
    process.exitCode = await withLock("vagrant", say, () =>
      bringMachinesUp(places, readInventoryName(), words, say),
    );
  },
);

const down = part("down", "vagrant destroy, and all that was around it", async (places) => {
  refuseForeignMachines(places);
  if (!existMachines(places)) {
    say("there are no virtual machines up");
    return;
  }
  const left = await withLock("vagrant", say, () => tearDownMachines(places));
  if (left.length > 0) {
    const since = places.libvirt === "own" ? ", until now" : "";
    throw new CommandError(`vagrant destroy left${since}: ${left.join(", ")}`);
  }
});

const status = part("status", "vagrant status", async (places, words) => {
  const { instance } = readMachinesUp(places);
  process.exitCode = await runVagrant(places, instance.inventory, ["status", ...words]);
});

const power = part(
  "power",
  "Takes a host's power away (off HOST..), or gives it back (on HOST..)",
  async (places, [state, ...names]) => {
    if ((state !== "on" && state !== "off") || names.length === 0) {
      throw new CommandError("which? ./sluice vagrant power on|off HOST..");
    }
    const { machines } = readMachinesUp(places);
    await setMachinePower(places, state, pickHosts(machines, names), say);
  },
);

const ssh = part("ssh", "HOST [COMMAND..]: a shell on a host", async (places, [name, ...words]) => {
  if (name === undefined) {
    throw new CommandError("which host? ./sluice vagrant ssh HOST [COMMAND..]");
  }
  pickHosts(readMachinesUp(places).machines, [name]);
  const command = ["ssh", "-F", sshConfigPath(places), name];
  const asked = withoutMark(words);
  process.exitCode = await runAttached(
    onControlMachine(places, [...command, ...(asked.length > 0 ? ["--", ...asked] : [])]),
  );
});

const exec = part(
  "exec",
  "[--crowd] -- COMMAND..: runs a program beside libvirt, or in the crowd's network",
  async (places, passed) => {
    const { instance } = readMachinesUp(places);
    const isCrowd = passed[0] === "--crowd";
    const command = withoutMark(passed.slice(isCrowd ? 1 : 0));
    if (command.length === 0) {
      throw new CommandError("what is to be run? ./sluice vagrant exec [--crowd] -- COMMAND..");
    }
    if (isCrowd && places.libvirt === "system") {
      throw new CommandError("with the machine's own libvirt there is no crowd's network");
    }
    process.exitCode = await runAttached(
      isCrowd ? insideCommand(places.crowdNamespace, command) : withLibvirt(places, command),
      { environment: vagrantEnvironment(places, instance.inventory) },
    );
  },
);

const playbook = part(
  "playbook",
  "FILE [OPTIONS..]: runs ansible-playbook against the virtual machines",
  async (places, words) => {
    const { instance } = readMachinesUp(places);
    const inventory = `inventories/${instance.inventory}/hosts.yml`;
    process.exitCode = await runAttached(
      onControlMachine(places, ["ansible-playbook", "-i", inventory, ...words]),
      {
        cwd: `${ROOT}/ansible`,
        environment: {
          ...vagrantEnvironment(places, instance.inventory),
          ...mitogenSettings(readEnvironment()),
        },
      },
    );
  },
);

const timeFactor = part(
  "time-factor",
  "Prints how many times slower than a host of the lab they are",
  async (places) => {
    console.log(String(await measureTimeFactor(places, readMachinesUp(places).machines)));
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
