import { Database, DatabaseError } from "../../../src/orders/database.ts";
import { migrate } from "../../../src/orders/migrate.ts";
import { addressOf } from "./databases.ts";

/** A process that migrates, to be killed: `bun migrating-process.ts DATABASE MIGRATIONS-AS-JSON`. */
const [url = "", text = ""] = process.argv.slice(2);
const database = new Database(addressOf(url), { timeoutMs: 60_000 });
const attemptsMax = 100;

/** As a worker does: SQLite may be locked by another one for longer than a statement waits. */
async function migrateWithPatience(): Promise<number[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return (await migrate(database, JSON.parse(text))).map(({ version }) => version);
    } catch (error) {
      if (!(error instanceof DatabaseError) || attempt === attemptsMax) {
        throw error;
      }
      await Bun.sleep(50);
    }
  }
}

const applied = await migrateWithPatience();
await database.close();
process.stdout.write(JSON.stringify(applied));
