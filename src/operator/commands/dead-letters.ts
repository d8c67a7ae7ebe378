import { defineCommand } from "citty";

import {
  type DeadLetter,
  eachDeadLetters,
  replayDeadLetters,
} from "../../ledger/outbox/dead-letters.ts";
import { saleIdPattern } from "../../sale/sale.ts";
import { checkArguments, CommandError, reportErrors } from "../command.ts";
import { addressHint, type DefaultAddresses, readRedisUrl } from "../config.ts";

const definitions = {
  id: { type: "positional", required: false, description: "id of the sale" },
  replay: {
    type: "string",
    valueHint: "ID|all",
    description: "send this dead letter, or all of them, back to the order workers",
  },
  redis: {
    type: "string",
    valueHint: addressHint,
    description: "address of the ledger, redis://host:port/db (SLUICE_REDIS)",
  },
} as const;

/** Of an entry that is dead as a whole, so much is shown. */
const textMax = 500;

/** What is dead, without tokens: whoever has an order's token owns it. */
function describe(letter: DeadLetter): string {
  const { id, entry, place, tries, reason, record, text } = letter;
  const givenUpAt = new Date(Number(id.split("-")[0])).toISOString();
  const where = place < 0 ? `entry ${entry}` : `entry ${entry}, place ${place}`;
  const what = place < 0 ? text : JSON.stringify(record);
  return [
    `${id}  given up ${givenUpAt} after ${tries} tries`,
    `  ${where}: ${hideTokens(what).slice(0, textMax)}`,
    `  ${reason}`,
  ].join("\n");
}

/** In a text of JSON, where a token may stand behind an escaped tab or newline. */
function hideTokens(text: string): string {
  return text.replaceAll(/(^|[^\w-]|\\[nt])[\w-]{22}(?![\w-])/g, "$1(token)");
}

async function list(url: string, sale: string): Promise<void> {
  let listed = 0;
  await eachDeadLetters(url, sale, (page) => {
    listed += page.length;
    console.log(page.map(describe).join("\n"));
  });
  console.log(
    listed === 0
      ? `sale ${sale} has no dead letters`
      : `${listed} dead letters; once their cause is mended, "sluice dead-letters ${sale} ` +
          '--replay all" sends them back to the order workers',
  );
}

async function replay(url: string, sale: string, which: string): Promise<void> {
  let replayed = 0;
  if (which === "all") {
    await eachDeadLetters(url, sale, async (page) => {
      const ids = page.map(({ id }) => id);
      replayed += await replayDeadLetters(url, sale, ids);
    });
  } else if (/^\d{1,15}-\d{1,15}$/.test(which)) {
    replayed = await replayDeadLetters(url, sale, [which]);
  } else {
    throw new CommandError(`--replay takes the id of a dead letter or 'all', not '${which}'`);
  }
  if (replayed === 0 && which !== "all") {
    throw new CommandError(`sale ${sale} has no dead letter ${which}; was it sent back before?`);
  }
  console.log(`${replayed} dead letters were sent back to the order workers of sale ${sale}`);
}

/** `dead-letters`: what no order worker could store. */
export function deadLettersCommand(defaults: DefaultAddresses) {
  return defineCommand({
    meta: {
      name: "dead-letters",
      description: "Lists what could not be stored as an order, or sends it back to be stored",
    },
    args: definitions,
    run: ({ args }) =>
      reportErrors("dead-letters", async () => {
        checkArguments(args, definitions);
        if (args.id === undefined || !saleIdPattern.test(args.id)) {
          throw new CommandError('which sale? "sluice sale list" shows those there are');
        }
        const url = readRedisUrl(args.redis, defaults);
        await (args.replay === undefined ? list(url, args.id) : replay(url, args.id, args.replay));
      }),
  });
}
