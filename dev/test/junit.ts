import { addTallies, type Tally, TALLY_ZERO } from "./part.ts";

/**
 * Counts the test cases of a JUnit file. They are counted one by one because the totals are not
 * alike: Bun nests suites and totals them at the top, bats has totals in each suite alone.
 */
export function tallyJunit(report: string): Tally {
  const [, ...cases] = report.split(/<testcase\b/);
  return cases.map(tallyCase).reduce(addTallies, TALLY_ZERO);
}

/** Text inside is escaped, so a tag found up to the end of the case is a tag. */
function tallyCase(text: string): Tally {
  const head = text.slice(0, text.indexOf(">") + 1);
  const body = head.endsWith("/>") ? "" : (text.split("</testcase>")[0] ?? "");
  if (/<(failure|error)\b/.test(body)) {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  return /<skipped\b/.test(body)
    ? { passed: 0, failed: 0, skipped: 1 }
    : { passed: 1, failed: 0, skipped: 0 };
}

/**
 * The tally of a part that has ended. A report has nothing of what broke outside a test case, so
 * an exit code that it does not explain is a failure of its own, and so is having run no test.
 */
export function tallyReport(report: string | null, exitCode: number): Tally {
  const tally = report === null ? TALLY_ZERO : tallyJunit(report);
  const ranNone = tally.passed + tally.failed === 0;
  const unexplained = exitCode !== 0 && tally.failed === 0;
  return ranNone || unexplained ? { ...tally, failed: tally.failed + 1 } : tally;
}
