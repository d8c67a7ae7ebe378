import { writeJson } from "../../src/operator/formats/json-file.ts";
import { formatReport, paintFor } from "./report-text.ts";
import type { Details, Report } from "./report.ts";

/** Prints the report, and writes it as JSON. Whoever asks for that on stdout gets nothing else. */
export async function printReport(
  report: Report,
  details: Details,
  jsonPath: string | null,
): Promise<void> {
  const stream = jsonPath === "-" ? process.stderr : process.stdout;
  stream.write(`\n${formatReport(report, details, paintFor(stream))}\n`);
  if (jsonPath !== null) {
    await writeJson(jsonPath, report);
  }
}
