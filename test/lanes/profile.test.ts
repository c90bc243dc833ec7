import { describe, expect, it, vi } from "vitest";
import { isWritten } from "../../src/core/written.ts";
import { Profile } from "../../src/lanes/profile.ts";

describe("a profile", () => {
  it("gives each lane a thread, with its spans from the first one on in microseconds, the outer before the inner", () => {
    const profile = new Profile();
    vi.spyOn(performance, "now").mockReturnValueOnce(2).mockReturnValueOnce(8);
    profile.mark("start-up");
    profile.mark("open");
    const begun = performance.timeOrigin;
    profile.add(1, [
      { name: "gram", start: begun + 4, end: begun + 5 },
      { name: "job modules", start: begun + 4, end: begun + 6 },
    ]);
    expect(isWritten(profile.toString())).toBe(true);
    const { traceEvents, ...rest } = JSON.parse(profile.toString());
    expect(rest).toEqual({ version: 1, tool: expect.stringMatching(/^lora-lego \d/), displayTimeUnit: "ms" });
    const whole = traceEvents.map((event: { ts?: number; dur?: number }) =>
      event.ts === undefined ? event : { ...event, ts: Math.round(event.ts), dur: Math.round(event.dur!) },
    );
    expect(whole).toEqual([
      { name: "thread_name", ph: "M", pid: 1, tid: 0, args: { name: "lane 0, the caller's thread" } },
      { name: "thread_name", ph: "M", pid: 1, tid: 1, args: { name: "lane 1" } },
      { name: "start-up", ph: "X", pid: 1, tid: 0, ts: 0, dur: 2000 },
      { name: "open", ph: "X", pid: 1, tid: 0, ts: 2000, dur: 6000 },
      { name: "job modules", ph: "X", pid: 1, tid: 1, ts: 4000, dur: 2000 },
      { name: "gram", ph: "X", pid: 1, tid: 1, ts: 4000, dur: 1000 },
    ]);
  });
});
