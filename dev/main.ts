import { type ArgsDef, type CommandDef, defineCommand, runMain } from "citty";

import type { DefaultAddresses } from "../src/operator/config.ts";
import { endOnCrash } from "../src/process/program.ts";
import { keepPassthrough } from "./host/passthrough-args.ts";

/** A command of the operators, which works on the embedded stack unless it is told otherwise. */
async function onStack<T extends ArgsDef>(
  load: Promise<(defaults: DefaultAddresses) => CommandDef<T>>,
): Promise<CommandDef<T>> {
  const [command, { stackAddresses }] = await Promise.all([load, import("./stack/addresses.ts")]);
  return command(stackAddresses);
}

/** Each command lives in its own file and is loaded only when it is called. */
const main = defineCommand({
  meta: {
    name: "sluice",
    description: "Sell a fixed stock of tickets to a crowd that is far larger than the stock",
  },
  subCommands: {
    demo: () => import("./commands/demo.ts").then((module) => module.default),
    up: () => import("./commands/up.ts").then((module) => module.default),
    down: () => import("./commands/down.ts").then((module) => module.default),
    status: () => import("./commands/status.ts").then((module) => module.default),
    sale: () => onStack(import("../src/operator/commands/sale.ts").then((m) => m.saleCommand)),
    audit: () => onStack(import("../src/operator/commands/audit.ts").then((m) => m.auditCommand)),
    orders: () =>
      onStack(import("../src/operator/commands/orders.ts").then((m) => m.ordersCommand)),
    "dead-letters": () =>
      onStack(import("../src/operator/commands/dead-letters.ts").then((m) => m.deadLettersCommand)),
    load: () => import("./commands/load.ts").then((module) => module.default),
    build: () => import("./commands/build.ts").then((module) => module.default),
    lab: () => import("./commands/lab.ts").then((module) => module.default),
    vagrant: () => import("./commands/vagrant.ts").then((module) => module.default),
    box: () => import("./commands/box.ts").then((module) => module.default),
    playbook: () => import("./commands/playbook.ts").then((module) => module.default),
    test: () => import("./commands/test.ts").then((module) => module.default),
  },
});

endOnCrash("sluice");
await runMain(main, { rawArgs: keepPassthrough(process.argv.slice(2)) });
