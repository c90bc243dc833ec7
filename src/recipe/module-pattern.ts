import { UsageError } from "../core/errors.ts";

/**
 * A pattern of module names. Like an entry of PEFT's target_modules, it matches the last whole segments of a dotted path:
 * "q_proj" matches every q_proj, "layers.0.mlp.up_proj" that module in every tower. Beyond PEFT, * stands for any
 * characters within one segment and a segment ** for any number of segments: "layers.1*.q_proj", "layers.0.**".
 *
 * @throws UsageError for an empty segment, and for ** next to other characters in a segment
 */
export function modulePattern(pattern: string): (moduleName: string) => boolean {
  const segments = pattern.split(".").map((segment) => (segment === "**" ? null : segmentPattern(segment, pattern)));
  return (moduleName) => matchesEnd(segments, moduleName.split("."));
}

function segmentPattern(segment: string, pattern: string): RegExp {
  if (segment === "" || segment.includes("**")) {
    throw new UsageError(
      `The module pattern ${JSON.stringify(pattern)} cannot be read; separate whole segments by single dots, as in layers.0.** or layers.*.q_proj.`,
    );
  }
  const plain = segment.split("*").map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${plain.join(".*")}$`, "s");
}

/** Whether segments (null for **) match the path's end; reached[j]: the segments so far can end before path[j]. */
function matchesEnd(segments: readonly (RegExp | null)[], path: readonly string[]): boolean {
  let reached = Array<boolean>(path.length + 1).fill(true);
  for (const segment of segments) {
    const before = reached;
    reached =
      segment === null
        ? before.map((_, j) => before.slice(0, j + 1).includes(true))
        : before.map((_, j) => j > 0 && before[j - 1]! && segment.test(path[j - 1]!));
  }
  return reached[path.length]!;
}
