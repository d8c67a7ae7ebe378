import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { provideBuilt } from "../host/cached-build.ts";
import { ROOT } from "../host/checkout.ts";
import { type ReportLine } from "../host/report-line.ts";
import { readBoxCache } from "./config.ts";
import { comparePackages } from "./packages.ts";

/** The versions that the project's own box was last made of. */
export const PINNED_PATH = join(ROOT, "lab", "box", "packages.lock");
const DIFFERENCES_SHOWN = 10;

/** A box that was built, in a directory of its own. */
export interface Box {
  readonly file: string;
  /** Name and version of every package in it. */
  readonly manifest: string;
}

/** The box of this checkout, which is built if it is not there. Throws `CommandError`. */
export async function provideBox(report: ReportLine): Promise<Box> {
  const directory = await provideBuilt(
    {
      script: join(ROOT, "lab", "box", "build"),
      cacheDir: readBoxCache(),
      what: "the box of Debian 13",
      duration: "two to ten minutes",
    },
    report,
  );
  return {
    file: join(directory, "debian-13.box"),
    manifest: join(directory, "packages.lock"),
  };
}

/**
 * Holds what is in a box against a list of versions. A mirror has one version of a package at a
 * time, so that differences are only reported, or, where the list is binding, refused.
 */
export function checkPinned(
  box: Box,
  { list, isBinding }: { readonly list: string; readonly isBinding: boolean },
  report: ReportLine,
): void {
  if (!existsSync(list)) {
    throw new CommandError(`there is no list of packages ${list}`);
  }
  const differences = comparePackages(
    readFileSync(list, "utf8"),
    readFileSync(box.manifest, "utf8"),
  );
  const name = relative(process.cwd(), list);
  if (differences.length === 0) {
    report(`Its packages are those of ${name}.`);
    return;
  }
  const more = differences.length - DIFFERENCES_SHOWN;
  const text = [
    `${differences.length} packages of the box differ from ${name}:`,
    ...differences.slice(0, DIFFERENCES_SHOWN).map((line) => `  ${line}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ].join("\n");
  if (isBinding) {
    throw new CommandError(
      `${text}\nThe same again takes a Debian mirror of the day that the list was made, in the ` +
        `sources of this machine's apt; remove ${join(box.file, "..")} and build again then.`,
    );
  }
  report(text);
}
