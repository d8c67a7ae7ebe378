import confirmSource from "../../redis/scripts/confirm.lua" with { type: "text" };
import createSource from "../../redis/scripts/create.lua" with { type: "text" };
import deadLetterSource from "../../redis/scripts/dead-letter.lua" with { type: "text" };
import forgetConsumersSource from "../../redis/scripts/forget-consumers.lua" with { type: "text" };
import heartbeatSource from "../../redis/scripts/heartbeat.lua" with { type: "text" };
import holdSource from "../../redis/scripts/hold.lua" with { type: "text" };
import argumentsLibrary from "../../redis/scripts/lib/arguments.lua" with { type: "text" };
import changedLibrary from "../../redis/scripts/lib/changed.lua" with { type: "text" };
import definitionLibrary from "../../redis/scripts/lib/definition.lua" with { type: "text" };
import entryLibrary from "../../redis/scripts/lib/entry.lua" with { type: "text" };
import orderRefsLibrary from "../../redis/scripts/lib/order-refs.lua" with { type: "text" };
import recordLibrary from "../../redis/scripts/lib/record.lua" with { type: "text" };
import statusLibrary from "../../redis/scripts/lib/status.lua" with { type: "text" };
import stockLibrary from "../../redis/scripts/lib/stock.lua" with { type: "text" };
import timeLibrary from "../../redis/scripts/lib/time.lua" with { type: "text" };
import lookupSource from "../../redis/scripts/lookup.lua" with { type: "text" };
import readSource from "../../redis/scripts/read.lua" with { type: "text" };
import releaseSource from "../../redis/scripts/release.lua" with { type: "text" };
import replaySource from "../../redis/scripts/replay.lua" with { type: "text" };
import restockSource from "../../redis/scripts/restock.lua" with { type: "text" };
import setStateSource from "../../redis/scripts/set-state.lua" with { type: "text" };
import trimEventsSource from "../../redis/scripts/trim-events.lua" with { type: "text" };
import { expandScript, type Script } from "./script.ts";

/** What a script may include, by the name that it uses. */
const libraries = {
  "arguments.lua": argumentsLibrary,
  "changed.lua": changedLibrary,
  "definition.lua": definitionLibrary,
  "entry.lua": entryLibrary,
  "order-refs.lua": orderRefsLibrary,
  "record.lua": recordLibrary,
  "status.lua": statusLibrary,
  "stock.lua": stockLibrary,
  "time.lua": timeLibrary,
};

function script(name: string, text: string): Script {
  return expandScript(name, text, libraries);
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
