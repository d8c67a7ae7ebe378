import { parseDatabaseUrl } from "../../../src/orders/database-address.ts";
import { Database } from "../../../src/orders/database.ts";

/** `query.ts URL STATEMENT`: what the bats files look at and plant; prints the rows as JSON. */
const [url = "", statement = ""] = process.argv.slice(2);
const address = parseDatabaseUrl(url);
if (typeof address === "string") {
  throw new Error(address);
}
const database = new Database(address, { timeoutMs: 10_000 });
const rows = await database.run(statement);
console.log(JSON.stringify(rows));
await database.close();
