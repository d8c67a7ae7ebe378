/** Takes a line about how far something is: for people, and no result. */
export type ReportLine = (line: string) => void;

/** Prints it on standard error; not by console.error, which paints it red. */
export function reportLine(line: string): void {
  process.stderr.write(`${line}\n`);
}
