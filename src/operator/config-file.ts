import Type, { type Static } from "typebox";

import { findDatabaseFaults } from "../orders/database-address.ts";
import {
  commonVariables,
  databaseVariable,
  type Environment,
  readVariables,
} from "../process/variables.ts";

/** What a host's operator.env tells the operators' command. */
const schema = Type.Object({
  SLUICE_REDIS: commonVariables.SLUICE_REDIS,
  SLUICE_DATABASE: databaseVariable,
});

/** Checks an operator.env. Throws `ConfigError` with every fault in it. */
export function checkOperatorConfig(environment: Environment): Static<typeof schema> {
  return readVariables("the operators' sluice", schema, new Set(), environment, findDatabaseFaults);
}
