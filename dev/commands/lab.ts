import { join } from "node:path";

import { type ArgsDef, defineCommand, type ParsedArgs } from "citty";

import { checkArguments, CommandError, reportErrors } from "../../src/operator/command.ts";
import { runAttached } from "../host/attached.ts";
import { ROOT } from "../host/checkout.ts";
import { withLock } from "../host/host-lock.ts";
import { pickHosts } from "../host/inventory.ts";
import { runInside } from "../host/namespace.ts";
import { readPassthrough, withoutSeparator } from "../host/passthrough-args.ts";
import { reportLine } from "../host/report-line.ts";
import { ranAsRoot } from "../host/root-rights.ts";
import { type LabPaths, readLabPaths } from "../lab/config.ts";
import { existsInstance, tearDown } from "../lab/down.ts";
import { readRunning, refuseForeign } from "../lab/instance.ts";
import { runPlaybook } from "../lab/playbook.ts";
import { setPower } from "../lab/power.ts";
import { sshCommand } from "../lab/ssh.ts";
import { formatStatus, readStatus, statusExitCode } from "../lab/status.ts";
import { bringUp } from "../lab/up.ts";

const EXIT_WRONG = 2;

/** A part of the command: as root, with its words checked. */
function part<T extends ArgsDef>(
  name: string,
  description: string,
  args: T,
  work: (paths: LabPaths, args: ParsedArgs<T>) => Promise<void>,
) {
  return defineCommand({
    meta: { name, description },
    args,
    run: (context) =>
      reportErrors(
        `lab ${name}`,
        async () => {
          if (!(await ranAsRoot())) {
            await work(readLabPaths(), context.args);
          }
        },
        EXIT_WRONG,
      ),
  });
}

const upArgs = {
  inventory: { type: "string", valueHint: "FILE", description: "the topology (remembered)" },
} as const;

const up = part("up", "Boots all hosts, or those that are named", upArgs, async (paths, args) => {
  const { _: names, ...named } = args as Record<string, unknown> & { _: string[] };
  checkArguments({ ...named, _: [] }, upArgs);
  const beganMs = performance.now();
  await withLock(paths.name, reportLine, () =>
    bringUp(paths, args.inventory ?? null, names, reportLine),
  );
  reportLine(`up after ${((performance.now() - beganMs) / 1_000).toFixed(1)} s`);
});

const down = part("down", "Ends all hosts; nothing is left of them", {}, async (paths, args) => {
  checkArguments(args, {});
  refuseForeign(paths);
  if (!existsInstance(paths)) {
    reportLine("the lab is not up");
    return;
  }
  await withLock(paths.name, reportLine, () => tearDown(paths, { keepDisks: false }));
});

const statusArgs = { json: { type: "boolean", description: "print it as JSON" } } as const;

const status = part(
  "status",
  "Shows hosts, roles, addresses and who owns the VIP; exit 0 if all are up",
  statusArgs,
  async (paths, args) => {
    checkArguments(args, statusArgs);
    const hosts = await readStatus(paths);
    console.log(args.json === true ? JSON.stringify(hosts, null, 2) : formatStatus(hosts));
    process.exitCode = statusExitCode(hosts);
  },
);

const powerArgs = {
  state: { type: "positional", required: true, description: "on or off" },
  host: { type: "positional", required: true, description: "one host or more" },
} as const;

const power = part(
  "power",
  "Takes a host's power away (off HOST..), or gives it back (on HOST..)",
  powerArgs,
  async (paths, args) => {
    const [state, ...hosts] = (args as unknown as { _: string[] })._;
    if (state !== "on" && state !== "off") {
      throw new CommandError(`power is 'on' or 'off', not '${String(state)}'`);
    }
    await setPower(paths, state, hosts, reportLine);
  },
);

const ssh = part("ssh", "HOST [COMMAND..]: a shell on a host", {}, async (paths) => {
  const [host, ...words] = readPassthrough();
  const { topology } = readRunning(paths);
  if (host === undefined) {
    throw new CommandError("which host? ./sluice lab ssh HOST [COMMAND..]");
  }
  pickHosts(topology.hosts, [host]);
  process.exitCode = await runInside(
    paths.namespace,
    sshCommand(paths, host, withoutSeparator(words)),
  );
});

const exec = part(
  "exec",
  "[--crowd] -- COMMAND..: runs a program on the control machine, or in the crowd's network",
  {},
  async (paths) => {
    const given = readPassthrough();
    readRunning(paths);
    const isCrowd = given[0] === "--crowd";
    const words = withoutSeparator(isCrowd ? given.slice(1) : given);
    if (words.length === 0) {
      throw new CommandError("what is to be run? ./sluice lab exec [--crowd] -- COMMAND..");
    }
    const namespace = isCrowd ? paths.crowdNamespace : paths.namespace;
    process.exitCode = await runInside(namespace, words);
  },
);

const playbook = part(
  "playbook",
  "FILE [OPTIONS..]: runs ansible-playbook against the lab's hosts",
  {},
  async (paths) => {
    const [file, ...words] = readPassthrough();
    if (file === undefined) {
      throw new CommandError("which playbook? ./sluice lab playbook FILE [OPTIONS..]");
    }
    process.exitCode = await runPlaybook(paths, file, words);
  },
);

const deploy = part(
  "deploy",
  "[OPTIONS..]: runs site.yml, with options for ansible-playbook",
  {},
  async (paths) => {
    const beganMs = performance.now();
    const exitCode = await runPlaybook(paths, "site.yml", readPassthrough());
    const seconds = ((performance.now() - beganMs) / 1_000).toFixed(1);
    reportLine(`${exitCode === 0 ? "deployed" : "failed"} after ${seconds} s`);
    process.exitCode = exitCode;
  },
);

/** Not as root: the tests ask for its rights where they need them. */
const test = defineCommand({
  meta: { name: "test", description: "Runs the lab's tests: ./sluice test lab" },
  run: async () => {
    process.exitCode = await runAttached([
      join(ROOT, "sluice"),
      "test",
      "lab",
      ...readPassthrough(),
    ]);
  },
});

export default defineCommand({
  meta: {
    name: "lab",
    description: "Runs the full topology, host by host, on this machine; takes root's rights",
  },
  subCommands: { up, down, status, deploy, ssh, power, exec, playbook, test },
});
