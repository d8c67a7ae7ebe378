import { describe, expect, test } from "bun:test";

import fc from "fast-check";

import { parseEnvironment } from "../../src/process/environment-file.ts";
import { ConfigError } from "../../src/process/variables.ts";

const character = fc.constantFrom(...Array.from("aZ0/:@=#;$ \t\r\n\0\v\u00a0\u007f\"'\\é"));

function faultsOf(text: string): string[] {
  try {
    parseEnvironment(text);
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.message.split("\n");
    }
    throw error;
  }
  return [];
}

describe("an environment file", () => {
  test("has comments, empty lines and values with everything that is plain", () => {
    const text = "# made\n; by hand\n\nA=1\nB_2=redis://u:p@h:1/0?x=y&z=$HOME#\nC=\nD=a b";
    expect(parseEnvironment(text)).toEqual({
      A: "1",
      B_2: "redis://u:p@h:1/0?x=y&z=$HOME#",
      C: "",
      D: "a b",
    });
  });

  test("is refused where systemd would read something else than stands there", () => {
    const lines = ['A="1"', "B='1'", "C=a\\", "D= 1", "E=1 ", "F=1\t", "G=1\r"];
    const faults = faultsOf(lines.join("\n"));
    expect(faults).toHaveLength(lines.length);
    for (const [index, fault] of faults.entries()) {
      expect(fault).toStartWith(`${lines[index]?.[0]} in line ${index + 1}: a value has no quotes`);
    }
  });

  test("is refused where a line is no variable, or a name stands twice", () => {
    expect(faultsOf("export A=1\nA-B=1\n=1\nA\nB=1\n#\nB=2")).toEqual([
      "line 1 is no NAME=value, no comment and not empty",
      "line 2 is no NAME=value, no comment and not empty",
      "line 3 is no NAME=value, no comment and not empty",
      "line 4 is no NAME=value, no comment and not empty",
      "B stands twice, in lines 5 and 7",
    ]);
  });

  test("whatever value stands in it, it is taken as it stands or refused, and never shown", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4, maxLength: 12, unit: character }), (value) => {
        const text = `NAME=${value}`;
        const faults = faultsOf(text);
        if (value.includes("\n")) {
          // More than one line: what stands on the next one is a variable of its own, or a fault.
          expect(faults.join("\n")).not.toContain(value);
        } else if (faults.length === 0) {
          expect(parseEnvironment(text)).toEqual({ NAME: value });
        } else if (value.trim() !== "") {
          expect(faults.join("\n")).not.toContain(value);
        }
      }),
    );
  });
});
