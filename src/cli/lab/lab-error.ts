import { CommandError } from "../command.ts";

/** Something about the lab that whoever typed the command can put right. */
export class LabError extends CommandError {
  override name = "LabError";
}
