import { describe, expect, it } from "vitest";
import "../../web/merge.css";
import { Flagged, labelled } from "../../web/views/flagged.tsx";
import { mount } from "./mounted.ts";

it("breaks no line within a flag", () => {
  const root = mount(
    <p style={{ width: "9ch", font: "16px monospace", margin: 0 }}>
      <Flagged text="for 7; --rank 12, --allow-partial." />
    </p>,
  );
  const flags = [...root.querySelectorAll(".flag")];
  expect(flags.map(({ textContent }) => textContent)).toEqual(["--rank 12", "--allow-partial"]);
  for (const flag of flags) expect(flag.getClientRects()).toHaveLength(1);
  expect(root.textContent).toBe("for 7; --rank 12, --allow-partial.");
});

describe("a sentence where the form is not in sight", () => {
  it("names its fields by their labels, and leaves the flags of the command line alone", () => {
    expect(labelled("--rank 12 leaves room; choose --extras drop, or pass --base.")).toBe(
      "“Rank” 12 leaves room; choose “Heads and other full tensors” drop, or pass --base.",
    );
  });
});
