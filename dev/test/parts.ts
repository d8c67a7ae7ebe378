import { join } from "node:path";

import { findBashFiles } from "./bash-files.ts";
import type { Part } from "./part.ts";

/**
 * What `./sluice test SCOPE` takes; `all` stands for no argument, `embedded` is all of it but the
 * lab. `vagrant` takes too long to be a part of any other.
 */
export const SCOPES = [
  "all",
  "embedded",
  "unit",
  "stack",
  "orders",
  "faults",
  "lab",
  "vagrant",
  "static",
] as const;
export type Scope = (typeof SCOPES)[number];

/** Far above what each takes on two cores: these end what hangs, they do not measure. */
const CHECK_LIMIT_MS = 10 * 60_000;
const SUITE_LIMIT_MS = 15 * 60_000;
const BUN_TEST_LIMIT_MS = 60_000;
const BATS_TEST_LIMIT_S = 300;
/** Building the kernel and the image of the lab, once, is part of it. */
const LAB_DEPLOY_LIMIT_MS = 30 * 60_000;
const LAB_LIMIT_MS = 60 * 60_000;
/** Playbooks under load, and hosts that boot on a busy machine. */
const LAB_TEST_LIMIT_S = 600;

/** Less than an hour for the small topology without hardware virtualization, and the large one. */
const VAGRANT_LIMIT_MS = 180 * 60_000;

/** The parts of a scope in the order in which they are started, some side by side. */
export async function listParts(scope: Scope, root: string): Promise<Part[]> {
  return await LISTS[scope](root);
}

const LISTS: Record<Scope, (root: string) => Part[] | Promise<Part[]>> = {
  static: listChecks,
  orders: (root) => [bunTests("orders", root)],
  faults: (root) => [bunTests("faults", root)],
  stack: (root) => [batsTests("stack", root)],
  lab: (root) => listLabParts(root),
  vagrant: (root) => [vagrantTests(root)],
  unit: async (root) => [
    ...(await listQuickParts(root)),
    bunTests("orders", root),
    batsTests("launcher", root),
    bunTests("faults", root),
  ],
  embedded: async (root) => [...(await LISTS.unit(root)), batsTests("stack", root)],
  // What starts a lab takes a whole processor: it is beside suites that mostly wait, the longest of them
  // first, so that all have ended at about the same time.
  all: async (root) => {
    const [deploy, colocation, lab] = listLabParts(root);
    return [
      ...(await listQuickParts(root)),
      deploy,
      batsTests("stack", root),
      bunTests("orders", root),
      colocation,
      bunTests("faults", root),
      batsTests("launcher", root),
      lab,
    ];
  },
};

/** What fails first where a change is wrong: checks, and tests that take seconds. */
async function listQuickParts(root: string): Promise<Part[]> {
  return [...(await listChecks(root)), bunTests("unit", root), bunTests("ledger", root)];
}

async function listChecks(root: string): Promise<Part[]> {
  const bashFiles = await findBashFiles(root);
  return [
    check("types", ["bun", "check", "--no-pretty"]),
    check("format", ["bun", "fmt", "--check"]),
    // On Bun, whatever Node the machine has.
    check("lint", ["bun", "x", "--bun", "oxlint", "--type-aware", "--deny-warnings"]),
    check("shellcheck", ["shellcheck", "--external-sources", ...bashFiles]),
    check("shfmt", ["shfmt", "-d", "-i", "2", "-ci", ...bashFiles]),
    ...listAnsibleChecks(root),
    // Makes no machine: the Vagrantfile and the inventories agree.
    batsTests("vagrantfile", root),
  ];
}

/** Neither asks a host: the linters read, and what is rendered is judged by its daemons here. */
function listAnsibleChecks(root: string): Part[] {
  const ansible = join(root, "ansible");
  const inventories = ["lab", "vagrant", "vagrant-small", "example"].map((name) =>
    join(ansible, "inventories", name, "hosts.yml"),
  );
  return [
    check("yamllint", ["yamllint", "--strict", ansible, join(root, "tests", "lab")]),
    // The linter looks for its settings, and for roles, where it is started.
    check("ansible-lint", ["env", "-C", ansible, "ansible-lint", "--offline", "--nocolor"]),
    check("playbooks", [join(root, "tests", "ansible", "check-playbooks"), ...inventories]),
    // It kills a program at each of its steps, and waits until the next one has begun.
    { ...check("roll", [join(root, "tests", "ansible", "check-roll")]), mostlyWaits: true },
    check("precedence", [join(root, "tests", "ansible", "check-precedence")]),
    check("configuration", [join(root, "tests", "ansible", "check-rendered"), ...inventories]),
  ];
}

function check(name: string, command: string[]): Part {
  return { name, command, limitMs: CHECK_LIMIT_MS, reportPath: null };
}

function bunTests(name: string, root: string): Part {
  const reportPath = join(root, ".sluice", "test", `${name}.xml`);
  return {
    name,
    command: [
      "bun",
      "test",
      `--timeout=${BUN_TEST_LIMIT_MS}`,
      "--reporter=junit",
      `--reporter-outfile=${reportPath}`,
      `./tests/${name}/`,
    ],
    limitMs: SUITE_LIMIT_MS,
    reportPath,
    mostlyWaits: true,
  };
}

/** bats names its report itself, so each part has a directory. */
function batsTests(name: string, root: string): Part {
  const directory = join(root, ".sluice", "test", name);
  return {
    name,
    command: [
      "env",
      `BATS_TEST_TIMEOUT=${BATS_TEST_LIMIT_S}`,
      "bats",
      "--timing",
      ...batsReport(directory),
      `tests/${name}`,
    ],
    limitMs: SUITE_LIMIT_MS,
    reportPath: join(directory, "report.xml"),
    mostlyWaits: true,
  };
}

/**
 * The lab is brought up and deployed to beside other parts; its tests, with limits on gaps, have the
 * machine for themselves. The tests of hosts that are several things at once have a lab of their own.
 */
function listLabParts(root: string): [deploy: Part, colocation: Part, lab: Part] {
  const script = "tests/lab/run-in-lab";
  const colocated = "tests/lab/colocated/run";
  const deploy = check("lab-deploy", [script, "--deploy"]);
  return [
    { ...deploy, limitMs: LAB_DEPLOY_LIMIT_MS, tidyCommand: [script, "--tidy"] },
    labTests("colocation", root, colocated, "tests/lab/colocated"),
    { ...labTests("lab", root, script, "tests/lab"), isAlone: true },
  ];
}

function labTests(name: string, root: string, script: string, tests: string): Part {
  const directory = join(root, ".sluice", "test", name);
  return {
    name,
    command: [
      "env",
      `BATS_TEST_TIMEOUT=${LAB_TEST_LIMIT_S}`,
      script,
      ...batsReport(directory),
      tests,
    ],
    limitMs: LAB_LIMIT_MS,
    reportPath: join(directory, "report.xml"),
    tidyCommand: [script, "--tidy"],
  };
}

/** The script brings virtual machines up, runs bats against them, and destroys them. */
function vagrantTests(root: string): Part {
  const directory = join(root, ".sluice", "test", "vagrant");
  const script = "tests/lab/run-in-vagrant";
  return {
    name: "vagrant",
    command: [script, ...batsReport(directory), "tests/vagrant", "tests/lab"],
    limitMs: VAGRANT_LIMIT_MS,
    isAlone: true,
    reportPath: join(directory, "report.xml"),
    tidyCommand: [script, "--tidy"],
  };
}

function batsReport(directory: string): string[] {
  return ["--report-formatter", "junit", "--output", directory];
}
