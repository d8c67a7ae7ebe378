import { CommandError } from "../../src/operator/command.ts";
import { runAttached } from "./attached.ts";
import { readSudoCommand } from "./environment.ts";

/**
 * Runs this very command again through sudo if it is not run by root. True if it was: its exit code
 * is this process's, and there is nothing left to do.
 */
export async function ranAsRoot(): Promise<boolean> {
  if (process.getuid?.() === 0) {
    return false;
  }
  if (Bun.which("sudo") === null) {
    throw new CommandError("network namespaces take root's rights, and there is no sudo here");
  }
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.exitCode = await runAttached([...readSudoCommand(), ...again]);
  return true;
}
