import { expect, it } from "vitest";
import "../../web/merge.css";
import { Said } from "../../web/views/said.tsx";
import { mount } from "./mounted.ts";

const shown = (text: string): string | null => mount(<Said text={text} />).textContent;

it("breaks no line within a flag that no field has", () => {
  const root = mount(
    <p style={{ width: "9ch", font: "16px monospace", margin: 0 }}>
      <Said text="for 7; --base-config 12, --base." />
    </p>,
  );
  const flags = [...root.querySelectorAll(".flag")];
  expect(flags.map(({ textContent }) => textContent)).toEqual(["--base-config 12", "--base"]);
  for (const flag of flags) expect(flag.getClientRects()).toHaveLength(1);
  expect(root.textContent).toBe("for 7; --base-config 12, --base.");
});

it("names fields by their labels, also those of a method's options, and leaves other flags of the command line alone", () => {
  expect(shown("--rank 12 leaves room; choose --extras drop, or pass --base.")).toBe(
    "“Rank” 12 leaves room; choose “Heads and other full tensors” drop, or choose --base.",
  );
  expect(shown("For 7 adapters --method auto takes tsv; --gauge balanced helps.")).toBe(
    "For 7 adapters the method “auto” takes tsv; “gauge” balanced helps.",
  );
  expect(shown("tsv compares all pairs; take a --method that compares none, or use --method cat to add them.")).toBe(
    "tsv compares all pairs; take a “Method” that compares none, or use the method “cat” to add them.",
  );
});

it("names the merge that the form can make, with the program's title", () => {
  expect(shown("write rank 8 with lora-lego merge --for tgi.")).toBe("write rank 8 with a merge “For” TGI.");
});

it("leaves whole commands as they are typed", () => {
  const text = "cut it with lora-lego resize --rank 16; or lora-lego merge a.safetensors --method cat --out b.";
  expect(shown(`${text} Rank with --rank 4.`)).toBe(`${text} Rank with “Rank” 4.`);
});
