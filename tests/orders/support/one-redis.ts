import { afterAll, beforeAll, beforeEach, setDefaultTimeout } from "bun:test";

import { RedisServer } from "../../support/redis-server.ts";

/** Real servers do not answer in a moment on a busy machine. */
const testTimeoutMs = 60_000;

/** One redis-server for all tests of the file, emptied before each of them. */
export function oneRedis(): { readonly server: RedisServer } {
  setDefaultTimeout(testTimeoutMs);
  let server: RedisServer | null = null;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server?.remove());
  beforeEach(async () => {
    await server?.client.flushall();
  });
  return {
    get server() {
      if (server === null) {
        throw new Error("the server is there within tests only");
      }
      return server;
    },
  };
}
