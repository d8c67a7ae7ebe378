import { CommandError, readWholeNumber } from "../../src/operator/command.ts";
import { quantityMax } from "../../src/sale/sale.ts";
import {
  durationSecondsMax,
  GENERATOR_NAMES,
  type GeneratorName,
  type LoadOptions,
  requestsMax,
} from "./generator.ts";
import { readTarget, type Target } from "./target.ts";

/** The options of `load`, as they were typed. */
export interface LoadFlags {
  readonly url: string;
  readonly requests?: string | undefined;
  readonly duration?: string | undefined;
  readonly connections: string;
  readonly rate?: string | undefined;
  readonly timeout: string;
  readonly sale?: string | undefined;
  readonly quantity: string;
  readonly with: string;
}

const requestsDefault = 200_000;
/** As many as one address can have to another with room to spare. */
export const connectionsMax = 10_000;
const ratePerSecondMax = 1_000_000;
const timeoutSecondsMax = 60;

/** Checks what was typed. Throws `CommandError`. */
export function readLoadOptions(flags: LoadFlags): { target: Target; options: LoadOptions } {
  const quantity = readWholeNumber("--quantity", flags.quantity, 1, quantityMax);
  const target = readTarget(flags.url, flags.sale ?? null, quantity);
  const ratePerSecond =
    flags.rate === undefined ? null : readWholeNumber("--rate", flags.rate, 1, ratePerSecondMax);
  const options: LoadOptions = {
    url: target.url,
    body: target.body,
    extent: readExtent(flags, ratePerSecond),
    connections: readWholeNumber("--connections", flags.connections, 1, connectionsMax),
    ratePerSecond,
    timeoutSeconds: readWholeNumber("--timeout", flags.timeout, 1, timeoutSecondsMax),
    generator: readGenerator(flags.with),
  };
  return { target, options };
}

/** The generator that `--with` names. Throws `CommandError`. */
export function readGenerator(text: string): GeneratorName {
  const name = GENERATOR_NAMES.find((known) => known === text);
  if (name === undefined) {
    throw new CommandError(`--with is one of ${GENERATOR_NAMES.join(", ")}, not '${text}'`);
  }
  return name;
}

function readExtent(flags: LoadFlags, ratePerSecond: number | null): LoadOptions["extent"] {
  if (flags.duration === undefined) {
    const requests = flags.requests ?? String(requestsDefault);
    return { requests: readWholeNumber("--requests", requests, 1, requestsMax) };
  }
  if (flags.requests !== undefined) {
    throw new CommandError("either --requests or --duration, not both");
  }
  // A given rate bounds what a longer time sends.
  const longest =
    ratePerSecond === null
      ? durationSecondsMax
      : Math.min(3_600, Math.max(1, Math.floor(requestsMax / ratePerSecond)));
  return { durationSeconds: readWholeNumber("--duration", flags.duration, 1, longest) };
}
