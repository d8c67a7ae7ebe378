import type { Redis } from "ioredis";

import { locateError, type Script } from "./script.ts";

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
    if (!error.message.startsWith("NOSCRIPT")) {
      error.message = locateError(script, error.message);
      throw error;
    }
  }
  await client.script("LOAD", script.source);
  return await send();
}
