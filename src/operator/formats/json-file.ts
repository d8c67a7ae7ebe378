import { reasonOf } from "../../process/errors.ts";
import { CommandError } from "../command.ts";

/** Writes JSON into a file, or to standard output where the file is called "-". */
export async function writeJson(path: string, value: unknown): Promise<void> {
  const text = `${JSON.stringify(value, null, 2)}\n`;
  if (path === "-") {
    process.stdout.write(text);
    return;
  }
  try {
    await Bun.write(path, text);
  } catch (error) {
    throw new CommandError(`${path} could not be written: ${reasonOf(error)}`);
  }
}
