import { defineCommand, runMain } from "citty";

import { keepPassed } from "./lab/passed-words.ts";

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
    sale: () => import("./commands/sale.ts").then((module) => module.default),
    audit: () => import("./commands/audit.ts").then((module) => module.default),
    orders: () => import("./commands/orders.ts").then((module) => module.default),
    "dead-letters": () => import("./commands/dead-letters.ts").then((module) => module.default),
    load: () => import("./commands/load.ts").then((module) => module.default),
    build: () => import("./commands/build.ts").then((module) => module.default),
    lab: () => import("./commands/lab.ts").then((module) => module.default),
    vagrant: () => import("./commands/vagrant.ts").then((module) => module.default),
    box: () => import("./commands/box.ts").then((module) => module.default),
    playbook: () => import("./commands/playbook.ts").then((module) => module.default),
    bench: () => import("./commands/bench.ts").then((module) => module.default),
    test: () => import("./commands/test.ts").then((module) => module.default),
  },
});

await runMain(main, { rawArgs: keepPassed(process.argv.slice(2)) });
