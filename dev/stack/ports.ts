import { createServer } from "node:net";

import { CommandError } from "../../src/operator/command.ts";
import { listPorts, type StackOptions } from "./options.ts";
import { askRedis } from "./redis-probe.ts";

/** Throws `CommandError` naming every port that somebody else has, and what to do about it. */
export async function checkPortsFree(options: StackOptions): Promise<void> {
  const faults: string[] = [];
  for (const { port, option, role } of listPorts(options)) {
    const code = await tryToListen(port);
    if (code === "EACCES") {
      faults.push(`${role}: port ${port} is for root only; choose another with ${option}`);
    } else if (code === "EADDRINUSE") {
      const who = await describeHolder(port);
      faults.push(
        `${role}: ${who} 127.0.0.1:${port} already. It is not this stack's: ` +
          `stop it ("ss -ltnp 'sport = :${port}'" shows it) or choose another port with ${option}`,
      );
    } else if (code !== null) {
      faults.push(`${role}: cannot listen on 127.0.0.1:${port}: ${code}`);
    }
  }
  if (faults.length > 0) {
    throw new CommandError(faults.join("\n"));
  }
}

async function describeHolder(port: number): Promise<string> {
  const redis = await askRedis(port);
  return redis === null ? "something listens on" : `a Redis (pid ${redis.pid}) answers on`;
}

/** The code of the fault, or null if the port is free. */
function tryToListen(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => {
      server.close(() => resolve(null));
    });
  });
}
