import { join } from "node:path";

const root = join(import.meta.dir, "../../..");

export interface CommandEnd {
  readonly code: number;
  readonly out: string;
  readonly said: string;
}

/** Runs `sluice WORDS...`, as an operator types it, without the launcher before it. */
export async function sluice(...words: readonly string[]): Promise<CommandEnd> {
  const command = [process.execPath, "dev/main.ts", ...words];
  const child = Bun.spawn(command, { cwd: root, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, said, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out, said };
}
