/** What differs between two lists of `name=version`, a line each, sorted by name. */
export function comparePackages(wanted: string, got: string): string[] {
  const before = readVersions(wanted);
  const after = readVersions(got);
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.flatMap((name) => {
    const was = before.get(name) ?? "none";
    const is = after.get(name) ?? "none";
    return was === is ? [] : [`${name}: ${is} instead of ${was}`];
  });
}

function readVersions(text: string): Map<string, string> {
  const lines = text.split("\n").map((line) => line.replace(/#.*/, "").trim());
  return new Map(
    lines.filter(Boolean).map((line) => {
      const [name = "", ...version] = line.split("=");
      return [name, version.join("=")];
    }),
  );
}
