import { defineCommand } from "citty";

import type { OrderState } from "../../ledger/order-record.ts";
import { describeDatabase } from "../../orders/database-url.ts";
import { Database, DatabaseError } from "../../orders/database.ts";
import { listOrders } from "../../orders/order-list.ts";
import { checkArguments, CommandError, explained } from "../command.ts";
import { readDatabase } from "../config.ts";
import { type OrderFormatName, orderFormats } from "../report/order-formats.ts";
import { isSystemError } from "../stack/system-error.ts";

const definitions = {
  id: { type: "positional", required: false, description: "id of the sale" },
  state: { type: "string", description: "only those that are held, paid or released" },
  format: { type: "string", default: "table", description: "table, csv or json" },
  database: {
    type: "string",
    valueHint: "URL",
    description: "sqlite://path or postgres://... (SLUICE_DATABASE, else the stack's own)",
  },
} as const;

const states: readonly OrderState[] = ["held", "paid", "released"];
/** A page of orders takes a few milliseconds; this is for a database that hangs. */
const timeoutMs = 30_000;

async function writeOrders(
  database: Database,
  sale: string,
  state: OrderState | null,
  format: OrderFormatName,
): Promise<void> {
  const { head, line, separator, tail } = orderFormats[format];
  let written = 0;
  for await (const page of listOrders(database, sale, state)) {
    const lines = page.map(line).join(separator);
    await Bun.write(Bun.stdout, `${written === 0 ? head : separator}${lines}`);
    written += page.length;
  }
  await Bun.write(Bun.stdout, written === 0 ? `${head}${format === "json" ? "]\n" : ""}` : tail);
}

function choose<T extends string>(option: string, known: readonly T[], given: string): T {
  const found = known.find((value) => value === given);
  if (found === undefined) {
    throw new CommandError(`${option} is one of ${known.join(", ")}, not '${given}'`);
  }
  return found;
}

export default defineCommand({
  meta: {
    name: "orders",
    description: "Lists or exports the orders of a sale, as they are stored",
  },
  args: definitions,
  run: ({ args }) =>
    explained("orders", async () => {
      checkArguments(args, definitions);
      if (args.id === undefined) {
        throw new CommandError('which sale? "sluice sale list" shows those there are');
      }
      const formats = Object.keys(orderFormats) as OrderFormatName[];
      const format = choose("--format", formats, args.format);
      const state = args.state === undefined ? null : choose("--state", states, args.state);
      const address = readDatabase(args.database);
      const database = new Database(address, { timeoutMs, readonly: true });
      try {
        await writeOrders(database, args.id, state, format);
      } catch (error) {
        if (error instanceof DatabaseError) {
          throw new CommandError(
            `the orders cannot be read: ${error.message}; is ${describeDatabase(address)} the ` +
              "database of an order worker?",
          );
        }
        // Whoever reads us, "head" say, has seen enough.
        if (!isSystemError(error, "EPIPE")) {
          throw error;
        }
      } finally {
        await database.close();
      }
    }),
});
