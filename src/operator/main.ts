import { defineCommand, runMain } from "citty";

import { checkConfigIfAsked } from "../process/check-config.ts";
import { endOnCrash } from "../process/program.ts";
import { auditCommand } from "./commands/audit.ts";
import { deadLettersCommand } from "./commands/dead-letters.ts";
import { ordersCommand } from "./commands/orders.ts";
import { saleCommand } from "./commands/sale.ts";
import { checkOperatorConfig } from "./config-file.ts";
import { noDefaultAddresses } from "./config.ts";

/**
 * Entry of the operators' `sluice` on the hosts, built into one file: what works on a ledger and a
 * database somewhere, and nothing that needs a checkout.
 */
const operator = defineCommand({
  meta: { name: "sluice", description: "Operates the sales of this ledger and audits them" },
  subCommands: {
    sale: saleCommand(noDefaultAddresses),
    audit: auditCommand(noDefaultAddresses),
    orders: ordersCommand(noDefaultAddresses),
    "dead-letters": deadLettersCommand(noDefaultAddresses),
  },
});

endOnCrash("sluice");
checkConfigIfAsked("sluice", checkOperatorConfig);
await runMain(operator);
