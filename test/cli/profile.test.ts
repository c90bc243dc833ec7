import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { lines, run } from "./run.ts";

const MODULES = Object.fromEntries(
  Array.from({ length: 8 }, (_, i) => [`layers.${i}.q_proj`, { in: 96, out: 40 + i }]),
);
const root = tempFolder();
const [a, b] = [1, 2].map((t) => writeAdapter(join(root, `${t}`), randomAdapter(t, { modules: MODULES, rank: 6 }))) as [
  string,
  string,
];

interface Event {
  readonly name: string;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
}

/** The events of a trace by thread, each checked for what chrome://tracing asks of a complete event. */
function threadsOf(file: string): Event[][] {
  const { traceEvents } = JSON.parse(readFileSync(file, "utf8"));
  const threads: Event[][] = [];
  for (const { ph, ...event } of traceEvents) {
    expect(Object.keys(event).sort()).toEqual(
      ph === "M" ? ["args", "name", "pid", "tid"] : ["dur", "name", "pid", "tid", "ts"],
    );
    if (ph === "M") threads.push([]);
    else threads[event.tid]!.push(event);
  }
  return threads;
}

/** Microseconds that spans of each name have to themselves; every span must lie in the one around it. */
function ownTimes(threads: readonly (readonly Event[])[]): Record<string, number> {
  const own: Record<string, number> = {};
  for (const events of threads) {
    const around: Event[] = [];
    for (const event of events) {
      while (around.length > 0 && event.ts >= around.at(-1)!.ts + around.at(-1)!.dur - 0.5) around.pop();
      const outer = around.at(-1);
      if (outer !== undefined) {
        expect(event.ts + event.dur, `${event.name} in ${outer.name}`).toBeLessThanOrEqual(outer.ts + outer.dur + 0.5);
        own[outer.name]! -= event.dur;
      }
      own[event.name] = (own[event.name] ?? 0) + event.dur;
      around.push(event);
    }
  }
  return own;
}

describe("merge --profile", () => {
  it("shows what every thread did, in spans that nest and sum to the report's timings", async () => {
    const [file, report] = [join(root, "profile.json"), join(root, "report.json")];
    const output = ["--out", join(root, "out"), "--report", report, "--profile", file];
    expect((await run(["merge", a, b, "--threads", "2", ...output])).code).toBe(0);
    const threads = threadsOf(file);
    expect(threads).toHaveLength(2);
    const own = ownTimes(threads);
    for (const [share, seconds] of Object.entries(JSON.parse(readFileSync(report, "utf8")).timings)) {
      expect(own[share]! / 1e6, share).toBeCloseTo(seconds as number, 4);
    }
    const outer = threads.map((events) => new Set(events.map(({ name }) => name)));
    for (const name of ["start-up", "open", "plan", "merge", "report", "flush"]) expect(outer[0]).toContain(name);
    expect(outer[1]).toContain("start-up");
    const jobs = (name: string) => threads.flat().filter((event) => event.name === name).length;
    expect([jobs("job modules"), jobs("job hash")]).toEqual([8, 2]);
    // Its own file is replaced without --force.
    expect((await run(["merge", a, b, ...output, "--force"])).code).toBe(0);
  });

  it("is refused before any work where it would be something else or lie in the output", async () => {
    const folder = tempFolder();
    const [out, other, report] = [join(folder, "out"), join(folder, "other"), join(folder, "r.json")];
    writeFileSync(other, "{}");
    const cases: [string, RegExp][] = [
      [other, /exists and was not written by lora-lego; pass --force to replace it, or choose another --profile/],
      [join(out, "profile.json"), /lies in the output; choose another --profile/],
      [report, /is the report; choose another --profile/],
      [join(a, "profile.json"), /the input .* or inside it; choose another --profile/],
    ];
    for (const [profile, words] of cases) {
      const { code, stderr } = await run(["merge", a, b, "--out", out, "--report", report, "--profile", profile]);
      expect([code, lines(stderr)]).toEqual([1, [expect.stringMatching(words)]]);
    }
    const unet = { "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q": { in: 4, out: 4 } };
    const image = writeAdapter(join(root, "image"), randomAdapter(3, { modules: unet }));
    const file = join(folder, "out.safetensors");
    const { stderr } = await run(["merge", image, "--out", file, "--profile", file]);
    expect(stderr).toMatch(/is the output itself; choose another --profile/);
    expect(existsSync(out)).toBe(false);
    expect(readdirSync(folder)).toEqual(["other"]);
  });
});
