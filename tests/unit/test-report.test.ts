import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findBashFiles } from "../../dev/test/bash-files.ts";
import { tallyJunit, tallyReport } from "../../dev/test/junit.ts";
import { runPart } from "../../dev/test/run-part.ts";
import { until } from "../support/until.ts";

/** As Bun writes it: suites in suites, each with totals. */
const BUN_REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="4" assertions="3" failures="1" skipped="1" time="0.01">
  <testsuite name="a.test.ts" tests="4" failures="1" skipped="1">
    <testsuite name="outer" tests="4" failures="1" skipped="1">
      <testcase name="holds" classname="outer" time="0.1" assertions="1" />
      <testcase name="a > b &lt;failure" classname="outer" time="0.1" assertions="1" />
      <testcase name="breaks" classname="outer"><failure type="AssertionError" /></testcase>
      <testcase name="waits" classname="outer"><skipped /></testcase>
    </testsuite>
  </testsuite>
</testsuites>`;

/** As bats writes it: output of a failed test, escaped. */
const BATS_REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites time="2.1">
<testsuite name="x.bats" tests="3" failures="1" errors="0" skipped="1" time="2.1">
    <testcase classname="x.bats" name="holds" time="0.1" />
    <testcase classname="x.bats" name="breaks" time="1.1">
        <failure type="failure">(in test file) expected &lt;skipped&gt;</failure>
    </testcase>
    <testcase classname="x.bats" name="waits" time="0">
        <skipped>no such thing here</skipped>
    </testcase>
</testsuite>
</testsuites>`;

test("every test case is counted once, whichever runner wrote the report", () => {
  expect(tallyJunit(BUN_REPORT)).toEqual({ passed: 2, failed: 1, skipped: 1 });
  expect(tallyJunit(BATS_REPORT)).toEqual({ passed: 1, failed: 1, skipped: 1 });
});

test("a part that broke outside a test, ran none or wrote no report has failed", () => {
  const onePassed = '<testsuites><testcase name="a" /></testsuites>';
  expect(tallyReport(onePassed, 0)).toEqual({ passed: 1, failed: 0, skipped: 0 });
  expect(tallyReport(onePassed, 1)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  expect(tallyReport("<testsuites></testsuites>", 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(tallyReport(null, 139)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  // A failure that the report explains is not counted again.
  expect(tallyReport(BUN_REPORT, 1)).toEqual({ passed: 2, failed: 1, skipped: 1 });
});

test("bash files are found by their suffix or their first line, and those of others are not", async () => {
  const root = await mkdtemp(join(tmpdir(), "sluice-bash-files-"));
  try {
    await Promise.all([
      Bun.write(join(root, "run"), "#!/usr/bin/env bash\n"),
      Bun.write(join(root, ".ci/run"), "#!/bin/sh\n"),
      Bun.write(join(root, "setup/part.sh"), "# no first line of the kind\n"),
      Bun.write(join(root, "tests/one.bats"), "#!/usr/bin/env bats\n"),
      Bun.write(join(root, "LICENSE"), "bash is not mentioned in a first line\n"),
      Bun.write(join(root, "node_modules/other/install.sh"), "#!/bin/sh\n"),
    ]);
    expect(await findBashFiles(root)).toEqual([
      ".ci/run",
      "run",
      "setup/part.sh",
      "tests/one.bats",
    ]);
  } finally {
    await rm(root, { recursive: true });
  }
});

/** A zombie that nobody has waited for yet does not run any more. */
function isRunning(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  return existsSync(path) && !/\) Z /.test(readFileSync(path, "utf8"));
}

test("a part that hangs is ended with everything that it started, and has failed", async () => {
  const root = await mkdtemp(join(tmpdir(), "sluice-hang-"));
  try {
    const script = `sleep 600 & echo $! >${root}/pid; wait`;
    const command = ["bash", "-c", script];
    const part = { name: "hanging", command, limitMs: 300, reportPath: join(root, "none.xml") };
    const printed: string[] = [];
    const { signal } = new AbortController();
    const round = { root, name: "r", signal, print: (line: string) => printed.push(line) };
    const { tally } = await runPart(part, round);
    expect(tally).toEqual({ passed: 0, failed: 1, skipped: 0 });
    expect(printed.at(-1)).toContain("ended after its limit");
    const orphan = Number(await Bun.file(join(root, "pid")).text());
    await until("the process that it started is gone", () => !isRunning(orphan));
  } finally {
    await rm(root, { recursive: true });
  }
});
