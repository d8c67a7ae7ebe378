import { soldBody, soldInit } from "./answers.ts";

/**
 * The least that Bun.serve can do for an answer that is not there yet: a handler that waits once
 * for something (here a promise that is kept at the end of the turn, without a timer or a socket)
 * and then makes a Response. The sold path of a ticket node is held against it.
 */
Bun.serve({
  hostname: "127.0.0.1",
  port: Number(Bun.argv[2]),
  development: false,
  routes: {
    "/buy/ticket": {
      POST: async () => {
        await turnEnd();
        return new Response(soldBody, soldInit);
      },
    },
  },
});

function turnEnd(): Promise<void> {
  return new Promise((resolve) => queueMicrotask(resolve));
}
