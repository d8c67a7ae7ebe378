import { join } from "node:path";

const root = join(import.meta.dir, "../../..");
/** No command here takes long; one that hangs fails its test. */
const limitMs = 60_000;

export interface CommandEnd {
  readonly code: number;
  readonly out: string;
  readonly said: string;
}

export interface Surroundings {
  /** Variables beside those of the test. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Runs `sluice WORDS...`, as an operator types it, without the launcher before it. */
export function sluice(...words: readonly string[]): Promise<CommandEnd> {
  return runProgram("dev/main.ts", words);
}

/** The same with variables of its own, or something on its standard input. */
export function sluiceIn(
  surroundings: Surroundings,
  ...words: readonly string[]
): Promise<CommandEnd> {
  return runProgram("dev/main.ts", words, surroundings);
}

/** Runs a program of this repository to its end. */
export async function runProgram(
  entry: string,
  words: readonly string[],
  { environment = {}, input = "" }: Surroundings = {},
): Promise<CommandEnd> {
  const child = Bun.spawn([process.execPath, entry, ...words], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdin: new Blob([input]),
    stdout: "pipe",
    stderr: "pipe",
    timeout: limitMs,
    killSignal: "SIGKILL",
  });
  const [out, said, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out, said };
}
