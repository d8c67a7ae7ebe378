import deadLetterSource from "../../redis/scripts/dead-letter.lua" with { type: "text" };
import forgetConsumersSource from "../../redis/scripts/forget-consumers.lua" with { type: "text" };
import replaySource from "../../redis/scripts/replay.lua" with { type: "text" };
import trimEventsSource from "../../redis/scripts/trim-events.lua" with { type: "text" };
import { script } from "./scripts.ts";

/** Scripts of the outbox, which only order workers and operators call. */
export const streamScripts = {
  deadLetter: script("dead-letter", deadLetterSource),
  forgetConsumers: script("forget-consumers", forgetConsumersSource),
  replay: script("replay", replaySource),
  trimEvents: script("trim-events", trimEventsSource),
} as const;
