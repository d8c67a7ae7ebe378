import { defineCommand } from "citty";

import { describeDatabase } from "../../orders/database-address.ts";
import { Database, DatabaseError } from "../../orders/database.ts";
import { UnknownFormError } from "../../orders/migrate.ts";
import { readSaleSecret } from "../../orders/sales-table.ts";
import { findOrders, listOrders, type StoredOrder } from "../../orders/stored-orders.ts";
import { isSystemError } from "../../process/errors.ts";
import { type OrderState, orderStates } from "../../sale/order.ts";
import { keyPattern } from "../../sale/sale.ts";
import { TokenMaker } from "../../sale/tokens.ts";
import { checkArguments, CommandError, reportErrors } from "../command.ts";
import { addressHint, type DefaultAddresses, readDatabase, readSecret } from "../config.ts";
import { type OrderFormatName, orderFormats } from "../formats/order-formats.ts";

const definitions = {
  id: { type: "positional", required: false, description: "id of the sale" },
  state: { type: "string", description: `only those in this state: ${orderStates.join(", ")}` },
  buyer: { type: "string", description: "with --key: who made the request, if it named a buyer" },
  key: {
    type: "string",
    valueHint: "@FILE|-",
    description: "only the order of this request key, from a file or from standard input",
  },
  format: { type: "string", default: "table", description: "table, csv or json" },
  database: {
    type: "string",
    valueHint: addressHint,
    description: "where the orders are, sqlite://path or postgres://... (SLUICE_DATABASE)",
  },
} as const;

/** A page of orders takes a few milliseconds; this is for a database that hangs. */
const timeoutMs = 30_000;

/** What names a request: together they give the token of its order. */
interface Request {
  readonly buyer: string;
  readonly key: string;
}

async function writeOrders(
  sale: string,
  pages: AsyncIterable<readonly StoredOrder[]>,
  format: OrderFormatName,
): Promise<void> {
  const { head, line, separator, tail } = orderFormats[format];
  let written = 0;
  for await (const page of pages) {
    const lines = page.map((order) => line(sale, order)).join(separator);
    await Bun.write(Bun.stdout, `${written === 0 ? head : separator}${lines}`);
    written += page.length;
  }
  await Bun.write(Bun.stdout, written === 0 ? `${head}${format === "json" ? "]\n" : ""}` : tail);
}

/** The orders of a request as a page: one, unless it was made anew after a release. */
async function* findRequest(
  database: Database,
  sale: string,
  { buyer, key }: Request,
): AsyncGenerator<readonly StoredOrder[]> {
  const secret = await readSaleSecret(database, sale);
  if (secret === null) {
    throw new CommandError(`the database has no sale ${sale}, or no worker has stored it yet`);
  }
  const orders = await findOrders(database, sale, new TokenMaker(sale, secret).token(buyer, key));
  if (orders.length === 0) {
    const whose = buyer === "" ? "no buyer" : `buyer ${buyer}`;
    throw new CommandError(
      `sale ${sale} has no order of this key and ${whose}; with another buyer it is another order, ` +
        "and what was sold a moment ago may not be stored yet",
    );
  }
  yield orders;
}

function readRequest(buyer: string | undefined, key: string | undefined): Request | null {
  if (buyer !== undefined && key === undefined) {
    throw new CommandError("--buyer needs --key, from a file (@FILE) or from standard input (-)");
  }
  const text = readSecret("--key", key, "request key");
  if (text === null) {
    return null;
  }
  for (const [what, given] of [
    ["--buyer", buyer ?? "none"],
    ["the request key", text],
  ] as const) {
    if (!keyPattern.test(given)) {
      throw new CommandError(`${what} is 1 to 128 printable ASCII characters`);
    }
  }
  return { buyer: buyer ?? "", key: text };
}

function choose<T extends string>(option: string, known: readonly T[], given: string): T {
  const found = known.find((value) => value === given);
  if (found === undefined) {
    throw new CommandError(`${option} is one of ${known.join(", ")}, not '${given}'`);
  }
  return found;
}

/** What of a sale is asked for. */
interface Question {
  readonly state: OrderState | null;
  readonly request: Request | null;
  readonly format: OrderFormatName;
}

function readQuestion(args: {
  readonly state?: string | undefined;
  readonly buyer?: string | undefined;
  readonly key?: string | undefined;
  readonly format: string;
  readonly database?: string | undefined;
}): Question {
  if (args.key !== undefined && args.state !== undefined) {
    throw new CommandError("--key finds one order in any state; leave --state out");
  }
  if (args.key === "-" && args.database === "-") {
    throw new CommandError("standard input holds the key or the address; give the other by @FILE");
  }
  const formats = Object.keys(orderFormats) as OrderFormatName[];
  return {
    format: choose("--format", formats, args.format),
    state: args.state === undefined ? null : choose("--state", orderStates, args.state),
    request: readRequest(args.buyer, args.key),
  };
}

async function answer(database: Database, sale: string, question: Question): Promise<void> {
  const { state, request, format } = question;
  const pages =
    request === null ? listOrders(database, sale, state) : findRequest(database, sale, request);
  try {
    await writeOrders(sale, pages, format);
  } catch (error) {
    if (error instanceof UnknownFormError) {
      throw new CommandError(error.message);
    }
    if (error instanceof DatabaseError) {
      throw new CommandError(
        `the orders cannot be read: ${error.message}; is ${describeDatabase(database.address)} the ` +
          "database of an order worker?",
      );
    }
    // Whoever reads us, "head" say, has seen enough.
    if (!isSystemError(error, "EPIPE")) {
      throw error;
    }
  }
}

/** `orders`: what is stored of a sale. */
export function ordersCommand(defaults: DefaultAddresses) {
  return defineCommand({
    meta: {
      name: "orders",
      description: "Lists or exports the orders of a sale, as they are stored, or finds one",
    },
    args: definitions,
    run: ({ args }) =>
      reportErrors("orders", async () => {
        checkArguments(args, definitions);
        if (args.id === undefined) {
          throw new CommandError('which sale? "sluice sale list" shows those there are');
        }
        const question = readQuestion(args);
        const address = readDatabase(args.database, defaults);
        if (address === null) {
          throw new CommandError("which database? Set SLUICE_DATABASE, or give --database");
        }
        const database = new Database(address, { timeoutMs, readonly: true });
        try {
          await answer(database, args.id, question);
        } finally {
          await database.close();
        }
      }),
  });
}
