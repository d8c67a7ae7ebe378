import { readEnvironment } from "./environment.ts";

export interface AttachedOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

function ignore(): void {}

/**
 * Runs a program on this terminal, and returns its exit code. An interrupt is for that program: the
 * terminal sends it to both, and what it means is up to the program.
 */
export async function runAttached(
  command: readonly string[],
  options: AttachedOptions = {},
): Promise<number> {
  const child = Bun.spawn([...command], {
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
    env: readEnvironment(options.environment),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const end = (): void => child.kill("SIGTERM");
  process.on("SIGINT", ignore);
  process.on("SIGTERM", end);
  process.on("SIGHUP", end);
  try {
    return await child.exited;
  } finally {
    process.off("SIGINT", ignore);
    process.off("SIGTERM", end);
    process.off("SIGHUP", end);
  }
}
