import { UsageError } from "../core/errors.ts";

/**
 * A pattern of module names. Like an entry of PEFT's target_modules, it matches the last whole segments of a dotted path:
 * "q_proj" matches every q_proj, "layers.0.mlp.up_proj" that module in every tower. Beyond PEFT, * stands for any
 * characters within one segment, a segment ** for any number of segments, and a segment such as 0-9 (or IN04-IN08) for each number from
 * the first to the last: "layers.1*.q_proj", "layers.0.**", "layers.0-9.**".
 *
 * @throws UsageError for an empty segment, and for ** next to other characters in a segment
 */
export function modulePattern(pattern: string): (moduleName: string) => boolean {
  const segments = pattern.split(".").map((segment) => (segment === "**" ? null : segmentPattern(segment, pattern)));
  return (moduleName) => matchesEnd(segments, moduleName.split("."));
}

type SegmentTest = (segment: string) => boolean;

function segmentPattern(segment: string, pattern: string): SegmentTest {
  if (segment === "" || segment.includes("**")) {
    throw new UsageError(
      `The module pattern ${JSON.stringify(pattern)} cannot be read; separate whole segments by single dots, as in layers.0.** or layers.*.q_proj.`,
    );
  }
  const plain = segment.split("*").map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  const own = new RegExp(`^${plain.join(".*")}$`, "s");
  const range = /^([A-Za-z]*)(\d+)-\1?(\d+)$/.exec(segment);
  if (range === null) return (text) => own.test(text);
  const [, letters = "", first, last] = range;
  return (text) => own.test(text) || (text.startsWith(letters) && within(text.slice(letters.length), first!, last!));
}

function within(number: string, first: string, last: string): boolean {
  return /^\d+$/.test(number) && Number(number) >= Number(first) && Number(number) <= Number(last);
}

/** Whether segments (null for **) match the path's end; reached[j]: the segments so far can end before path[j]. */
function matchesEnd(segments: readonly (SegmentTest | null)[], path: readonly string[]): boolean {
  let reached = Array<boolean>(path.length + 1).fill(true);
  for (const segment of segments) {
    const before = reached;
    reached =
      segment === null
        ? before.map((_, j) => before.slice(0, j + 1).includes(true))
        : before.map((_, j) => j > 0 && before[j - 1]! && segment(path[j - 1]!));
  }
  return reached[path.length]!;
}
