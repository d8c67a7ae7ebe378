import type { Redis } from "ioredis";

import type { Reply } from "./ledger.ts";
import { locateError, type Script } from "./script.ts";
import { unavailable } from "./unavailable.ts";

/**
 * Sends a script by its hash. Where the server does not know it, as after a restart, it is loaded and
 * sent again. `onSent` is called right after each sending: what it sends follows the script on the
 * same connection. An error in the script names the file and line where it stands.
 */
export async function callScript(
  client: Redis,
  script: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
  onSent: () => void = () => undefined,
): Promise<unknown> {
  const send = (): Promise<unknown> => {
    const reply = client.evalsha(script.sha1, keys.length, ...keys, ...args);
    onSent();
    return reply;
  };
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof Error)) {
      throw error;
    }
    if (!isUnknownScript(error)) {
      error.message = locateError(script, error.message);
      throw error;
    }
  }
  await client.script("LOAD", script.source);
  return await send();
}

/**
 * Calls a script that takes no arguments and only reads, with several lists of keys, in one round
 * trip; one reply each. One that fails, as where a key is of another type, fails alone.
 */
export async function callForEach(
  client: Redis,
  script: Script,
  keys: readonly (readonly string[])[],
): Promise<Reply<unknown>[]> {
  const send = async () => {
    const pipeline = client.pipeline();
    for (const some of keys) {
      pipeline.evalsha(script.sha1, some.length, ...some);
    }
    return (await pipeline.exec()) ?? [];
  };
  let replies = await send();
  if (replies.some(([fault]) => fault !== null && isUnknownScript(fault))) {
    await client.script("LOAD", script.source);
    replies = await send();
  }
  return replies.map(([fault, value]): Reply<unknown> => {
    if (fault === null) {
      return { kind: "ok", value };
    }
    const { kind, message } = unavailable(fault);
    return { kind, reason: locateError(script, message) };
  });
}

function isUnknownScript(error: Error): boolean {
  return error.message.startsWith("NOSCRIPT");
}
