import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";

import {
  identify,
  isRunning,
  listSession,
  type ProcessIdentity,
  signalProcess,
} from "../../dev/host/process-table.ts";
import { until } from "../support/until.ts";

const started: ProcessIdentity[] = [];

function start(command: string[]): ProcessIdentity {
  const child = Bun.spawn(command, { detached: true, stdin: "ignore", stdout: "ignore" });
  const identity = identify(child.pid);
  if (identity === null) {
    throw new Error(`${command.join(" ")} ended at once`);
  }
  started.push(identity);
  return identity;
}

afterEach(() => {
  for (const identity of started.splice(0)) {
    for (const pid of listSession(identity)) {
      signalProcess(pid, "SIGKILL");
    }
  }
});

describe("a part of the stack is known for what it is", () => {
  test("a process runs until it ends, also if nobody has asked for its exit code", async () => {
    const sleeper = start(["sleep", "600"]);
    expect(isRunning(sleeper)).toBe(true);
    signalProcess(sleeper.pid, "SIGKILL");
    await until("it has ended", () => !isRunning(sleeper));
  });

  test("another process with the same pid is not mistaken for it, so it is never killed", () => {
    const sleeper = start(["sleep", "600"]);
    const earlier = { ...sleeper, startTicks: sleeper.startTicks - 1 };
    expect(isRunning(earlier)).toBe(false);
    const beforeReboot = { ...sleeper, bootId: "another" };
    expect(isRunning(beforeReboot)).toBe(false);
    expect(listSession(beforeReboot)).toEqual([]);
    const later = { ...sleeper, startTicks: sleeper.startTicks + 1 };
    expect(listSession(later)).toEqual([]);
  });

  test("a name with spaces and parentheses does not confuse it", () => {
    const shell = start(["bash", "-c", "exec -a 'x) R 1 2 3 (' sleep 600"]);
    expect(isRunning(shell)).toBe(true);
    expect(listSession(shell)).toEqual([shell.pid]);
  });

  test("what a killed leader leaves behind is found", async () => {
    const leader = start(["bash", "-c", "sleep 600 & sleep 600 & wait"]);
    await until("both children run", () => listSession(leader).length === 3);
    signalProcess(leader.pid, "SIGKILL");
    await until("the leader has ended", () => !isRunning(leader));
    const orphans = listSession(leader);
    expect(orphans).toHaveLength(2);
    for (const pid of orphans) {
      expect(readFileSync(`/proc/${pid}/comm`, "utf8").trim()).toBe("sleep");
    }
  });

  test("a signal to a process that has gone is no fault", async () => {
    const short = start(["sleep", "0.01"]);
    await until("it has ended", () => identify(short.pid) === null);
    expect(() => signalProcess(short.pid, "SIGTERM")).not.toThrow();
  });
});
