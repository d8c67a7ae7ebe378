import { existsSync } from "node:fs";

import { type ArgsDef, defineCommand, type ParsedArgs } from "citty";

import { SaleOperations } from "../../ledger/operations.ts";
import { type DatabaseAddress, describeDatabase } from "../../orders/database-address.ts";
import { Database, DatabaseError } from "../../orders/database.ts";
import { UnknownFormError } from "../../orders/migrate.ts";
import { isSaleStored } from "../../orders/sales-table.ts";
import { type SettableState, totalMax } from "../../sale/sale.ts";
import { checkArguments, CommandError, readWholeNumber, reportErrors } from "../command.ts";
import { addressHint, type DefaultAddresses, readDatabase, readRedisUrl } from "../config.ts";
import { formatSale, formatSales } from "../formats/sale-text.ts";

const redis = {
  type: "string",
  valueHint: addressHint,
  description: "address of the ledger, redis://host:port/db (SLUICE_REDIS)",
} as const;
const json = { type: "boolean", description: "print it as JSON" } as const;
const id = { type: "positional", required: true, description: "id of the sale" } as const;
const HOLD_SECONDS_DEFAULT = "300";
const HOLD_SECONDS_MAX = 1_000_000_000;
const databaseTimeoutMs = 10_000;

/** One of the operator's commands: connects, does its work, and lets go of the ledger again. */
function operation<T extends ArgsDef>(
  defaults: DefaultAddresses,
  name: string,
  description: string,
  args: T,
  work: (operations: SaleOperations, args: ParsedArgs<T>) => Promise<string>,
) {
  return defineCommand({
    meta: { name, description },
    args,
    run: (context) =>
      reportErrors(`sale ${name}`, async () => {
        checkArguments(context.args, args);
        const { redis: url }: Readonly<Record<string, unknown>> = context.args;
        const operations = new SaleOperations(readRedisUrl(url, defaults));
        try {
          console.log(await work(operations, context.args));
        } finally {
          operations.close();
        }
      }),
  });
}

const create = (defaults: DefaultAddresses) =>
  operation(
    defaults,
    "create",
    "Creates a sale, which waits for its opening",
    {
      id,
      total: { type: "string", required: true, description: `tickets, 1 to ${totalMax}` },
      limit: { type: "string", default: "0", description: "tickets a buyer, 0 for no limit" },
      hold: {
        type: "string",
        default: HOLD_SECONDS_DEFAULT,
        description: "seconds in which an order is to be paid",
      },
      opens: {
        type: "string",
        description:
          "opening time, such as 2027-01-31T20:00:00+08:00; without it you open the sale",
      },
      redis,
      database: {
        type: "string",
        valueHint: addressHint,
        description: "where its orders will be, sqlite://path or postgres://... (SLUICE_DATABASE)",
      },
    },
    async (operations, args) => {
      const holdSeconds = readWholeNumber("--hold", args.hold, 1, HOLD_SECONDS_MAX);
      await refuseStoredSale(args.id, readDatabase(args.database, defaults, operations.url));
      const sale = await operations.create({
        sale: args.id,
        total: readWholeNumber("--total", args.total, 1, totalMax),
        limit: readWholeNumber("--limit", args.limit, 0, totalMax),
        holdMs: holdSeconds * 1_000,
        opensAtMs: args.opens === undefined ? 0 : readTime(args.opens),
      });
      return `created ${formatSale(sale)}`;
    },
  );

/**
 * Orders of another sale of the same id would be in the way of this one's. Throws `CommandError` if
 * there are any, and if that cannot be found out.
 */
async function refuseStoredSale(sale: string, address: DatabaseAddress | null): Promise<void> {
  if (address === null || (address.dialect === "sqlite" && !existsSync(address.path))) {
    return;
  }
  const database = new Database(address, { timeoutMs: databaseTimeoutMs, readonly: true });
  const where = describeDatabase(address);
  try {
    if (await isSaleStored(database, sale)) {
      throw new CommandError(
        `${where} has a sale ${sale} already, which is another one; choose another id`,
      );
    }
  } catch (error) {
    if (error instanceof DatabaseError || error instanceof UnknownFormError) {
      throw new CommandError(
        `whether the orders database has a sale ${sale} already cannot be read: ${error.message}; ` +
          "without SLUICE_DATABASE it is not asked",
      );
    }
    throw error;
  } finally {
    await database.close();
  }
}

function stateCommand(
  defaults: DefaultAddresses,
  name: string,
  description: string,
  state: SettableState,
) {
  return operation(defaults, name, description, { id, redis }, async (operations, args) =>
    formatSale(await operations.setState(args.id, state)),
  );
}

const restock = (defaults: DefaultAddresses) =>
  operation(
    defaults,
    "restock",
    "Adds tickets to a sale",
    { id, tickets: { type: "positional", required: true, description: "tickets to add" }, redis },
    async (operations, args) => {
      const quantity = readWholeNumber("the number of tickets", args.tickets, 1, totalMax);
      return formatSale(await operations.restock(args.id, quantity));
    },
  );

const show = (defaults: DefaultAddresses) =>
  operation(defaults, "show", "Shows a sale", { id, json, redis }, async (operations, args) => {
    const sale = await operations.read(args.id);
    if (sale === null) {
      throw new CommandError(
        `there is no sale ${args.id}; "sluice sale list" shows those there are`,
      );
    }
    return args.json === true ? JSON.stringify(sale, null, 2) : formatSale(sale);
  });

const list = (defaults: DefaultAddresses) =>
  operation(defaults, "list", "Lists all sales", { json, redis }, async (operations, args) => {
    const sales = await operations.list();
    return args.json === true ? JSON.stringify(sales, null, 2) : formatSales(sales);
  });

/** A time with its zone: a clock without one means something else on each machine. */
function readTime(text: string): number {
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (!Number.isSafeInteger(time) || time < 1) {
    throw new CommandError(
      `--opens is a time with its zone, such as 2027-01-31T20:00:00+08:00, not '${text}'`,
    );
  }
  return time;
}

/** `sale create`, `open`, ...: what an operator does with sales. */
export function saleCommand(defaults: DefaultAddresses) {
  return defineCommand({
    meta: { name: "sale", description: "Creates, opens, pauses, closes, restocks and shows sales" },
    subCommands: {
      create: create(defaults),
      open: stateCommand(defaults, "open", "Opens a sale now", "open"),
      pause: stateCommand(defaults, "pause", "Stops selling until it is opened again", "paused"),
      close: stateCommand(defaults, "close", "Ends a sale for good", "closed"),
      restock: restock(defaults),
      show: show(defaults),
      list: list(defaults),
    },
  });
}
