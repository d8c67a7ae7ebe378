import confirmSource from "../../redis/scripts/confirm.lua" with { type: "text" };
import createSource from "../../redis/scripts/create.lua" with { type: "text" };
import deadLetterSource from "../../redis/scripts/dead-letter.lua" with { type: "text" };
import forgetConsumersSource from "../../redis/scripts/forget-consumers.lua" with { type: "text" };
import heartbeatSource from "../../redis/scripts/heartbeat.lua" with { type: "text" };
import holdSource from "../../redis/scripts/hold.lua" with { type: "text" };
import lookupSource from "../../redis/scripts/lookup.lua" with { type: "text" };
import readSource from "../../redis/scripts/read.lua" with { type: "text" };
import releaseSource from "../../redis/scripts/release.lua" with { type: "text" };
import replaySource from "../../redis/scripts/replay.lua" with { type: "text" };
import restockSource from "../../redis/scripts/restock.lua" with { type: "text" };
import setStateSource from "../../redis/scripts/set-state.lua" with { type: "text" };
import trimEventsSource from "../../redis/scripts/trim-events.lua" with { type: "text" };

/** A Lua script and the SHA-1 under which Redis caches it (EVALSHA). */
export interface Script {
  readonly name: string;
  readonly source: string;
  readonly sha1: string;
}

/** A script by its name and text; the worker of orders has some of its own. */
export function script(name: string, source: string): Script {
  return { name, source, sha1: new Bun.CryptoHasher("sha1").update(source).digest("hex") };
}

/** Two versions of a node may run at once in a rolling deploy: their SHAs differ, both work. */
export const scripts = {
  confirm: script("confirm", confirmSource),
  create: script("create", createSource),
  heartbeat: script("heartbeat", heartbeatSource),
  hold: script("hold", holdSource),
  lookup: script("lookup", lookupSource),
  read: script("read", readSource),
  release: script("release", releaseSource),
  restock: script("restock", restockSource),
  setState: script("set-state", setStateSource),
} as const;

/** Scripts of the outbox, which only order workers and operators call. */
export const outboxScripts = {
  deadLetter: script("dead-letter", deadLetterSource),
  forgetConsumers: script("forget-consumers", forgetConsumersSource),
  replay: script("replay", replaySource),
  trimEvents: script("trim-events", trimEventsSource),
} as const;
