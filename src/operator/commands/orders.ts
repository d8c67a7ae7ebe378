import { defineCommand } from "citty";

import { describeDatabase } from "../../orders/database-address.ts";
import { Database, DatabaseError } from "../../orders/database.ts";
import { listOrders } from "../../orders/orders-table.ts";
import { isSystemError } from "../../process/errors.ts";
import { type OrderState, orderStates } from "../../sale/order.ts";
import { checkArguments, CommandError, reportErrors } from "../command.ts";
import { addressHint, type DefaultAddresses, readDatabase } from "../config.ts";
import { type OrderFormatName, orderFormats } from "../formats/order-formats.ts";

const definitions = {
  id: { type: "positional", required: false, description: "id of the sale" },
  state: { type: "string", description: `only those in this state: ${orderStates.join(", ")}` },
  format: { type: "string", default: "table", description: "table, csv or json" },
  database: {
    type: "string",
    valueHint: addressHint,
    description: "where the orders are, sqlite://path or postgres://... (SLUICE_DATABASE)",
  },
} as const;

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

/** `orders`: what is stored of a sale. */
export function ordersCommand(defaults: DefaultAddresses) {
  return defineCommand({
    meta: {
      name: "orders",
      description: "Lists or exports the orders of a sale, as they are stored",
    },
    args: definitions,
    run: ({ args }) =>
      reportErrors("orders", async () => {
        checkArguments(args, definitions);
        if (args.id === undefined) {
          throw new CommandError('which sale? "sluice sale list" shows those there are');
        }
        const formats = Object.keys(orderFormats) as OrderFormatName[];
        const format = choose("--format", formats, args.format);
        const state = args.state === undefined ? null : choose("--state", orderStates, args.state);
        const address = readDatabase(args.database, defaults);
        if (address === null) {
          throw new CommandError("which database? Set SLUICE_DATABASE, or give --database");
        }
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
}
