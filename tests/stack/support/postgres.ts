import { postgresBinaries, PostgresServer } from "../../support/postgres-server.ts";

/**
 * `postgres.ts`: a PostgreSQL server for as long as standard input stays open. Prints the address of
 * an empty database, or nothing where PostgreSQL is not installed.
 */
if (postgresBinaries !== null) {
  const server = await PostgresServer.start();
  try {
    console.log(await server.createDatabase());
    for await (const _ of process.stdin) {
      // Nothing is said; that it ends is what is waited for.
    }
  } finally {
    await server.remove();
  }
}
