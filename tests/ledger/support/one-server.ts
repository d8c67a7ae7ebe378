import { afterAll, beforeAll, beforeEach, setDefaultTimeout } from "bun:test";

import { RedisServer, type RedisServerOptions } from "../../support/redis-server.ts";
import { testTimeoutMs } from "./ledger-rig.ts";
import { SaleScripts } from "./sale-scripts.ts";

export interface OneServer {
  readonly server: RedisServer;
  /** The scripts of the sale `tickets`, which does not exist yet when a test begins. */
  readonly scripts: SaleScripts;
}

/** One redis-server for all tests of the file, emptied before each of them. */
export function oneServer(options: RedisServerOptions = {}): OneServer {
  setDefaultTimeout(testTimeoutMs);
  let server: RedisServer | null = null;
  let scripts: SaleScripts | null = null;
  beforeAll(async () => {
    server = await RedisServer.start(options);
  });
  afterAll(() => server?.remove());
  beforeEach(async () => {
    if (server !== null) {
      await server.client.flushall();
      scripts = new SaleScripts(server.client);
    }
  });
  return {
    get server() {
      return present(server);
    },
    get scripts() {
      return present(scripts);
    },
  };
}

function present<T>(part: T | null): T {
  if (part === null) {
    throw new Error("the server is there within tests only");
  }
  return part;
}
