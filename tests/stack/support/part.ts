import { killPart, restartPart } from "../../../dev/stack/stack.ts";

/** `part.ts STATE_DIR kill|restart NAME`: what the bats files do to one part of their stack. */
const [stateDir = "", action = "", name = ""] = process.argv.slice(2);
switch (action) {
  case "kill":
    await killPart(stateDir, name);
    break;
  case "restart":
    await restartPart(stateDir, name);
    break;
  default:
    throw new Error(`there is no action '${action}'`);
}
