import { soldOutBody, soldOutInit } from "./answers.ts";

/** The least that Bun.serve can do in a handler: make a Response. No promise in it. */
Bun.serve({
  hostname: "127.0.0.1",
  port: Number(Bun.argv[2]),
  development: false,
  routes: {
    "/buy/ticket": { POST: () => new Response(soldOutBody, soldOutInit) },
  },
});
