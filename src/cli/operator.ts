import { defineCommand, runMain } from "citty";

import audit from "./commands/audit.ts";
import deadLetters from "./commands/dead-letters.ts";
import orders from "./commands/orders.ts";
import sale from "./commands/sale.ts";

/**
 * Entry of the operators' `sluice` on the hosts, built into one file: what works on a ledger and a
 * database somewhere, and nothing that needs a checkout.
 */
const operator = defineCommand({
  meta: { name: "sluice", description: "Operates the sales of this ledger and audits them" },
  subCommands: { sale, audit, orders, "dead-letters": deadLetters },
});

await runMain(operator);
