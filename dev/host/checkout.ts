import { join } from "node:path";

/** The checkout that this file is part of. */
export const ROOT = join(import.meta.dir, "..", "..");

/** Where commands keep their state unless they are given another place. */
export const STATE_DIR_DEFAULT = join(ROOT, ".sluice");
