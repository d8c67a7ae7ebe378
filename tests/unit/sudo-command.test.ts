import { expect, test } from "bun:test";

import { readSudoCommand } from "../../dev/host/environment.ts";

test("no secret is an argument of sudo, and yet what it starts has all variables", () => {
  const command = readSudoCommand({
    PATH: "/usr/bin",
    HOME: "/home/ann",
    SLUICE_REDIS: "redis://u:hunter2@h",
    SLUICE_PAYMENT_SECRET: "hunter2",
    ANSIBLE_BECOME_PASS: "hunter2",
    https_proxy: "http://u:hunter2@proxy:3128",
    UNRELATED: "hunter2",
  });
  expect(command).toEqual([
    "sudo",
    "--preserve-env=SLUICE_REDIS,SLUICE_PAYMENT_SECRET,ANSIBLE_BECOME_PASS,https_proxy",
    "--",
    "env",
    "PATH=/usr/bin",
    "HOME=/home/ann",
  ]);
});

test("sudo preserves nothing where nothing is set", () => {
  expect(readSudoCommand({ TERM: "xterm" })).toEqual(["sudo", "--", "env", "TERM=xterm"]);
});
