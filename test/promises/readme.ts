import type { PromisingText } from "./promises.ts";

export const README: PromisingText = {
  document: "README.md",
  heading: "What you can rely on",
  sentences: [
    [
      "The delta of a module is s B A with s = alpha / r (or alpha / sqrt(r) with rsLoRA), through rank_pattern and alpha_pattern.",
      "adapter/peft > is alpha / r, or alpha / sqrt(r) with rsLoRA",
      "adapter/peft > follows alpha_pattern, the first match in the file's order",
      "adapter/peft > divides by the rank of rank_pattern, or by its root with rsLoRA",
    ],
    [
      "One adapter merged alone at its own rank comes back byte for byte where its scale can be kept, else within 1e-6 in f32.",
      "merge/merge > with one scale comes back bit for bit in %s, by every method",
      "merge/merge > with differing scales keeps its delta in %s (%d)",
    ],
    [
      "The order of the adapters and the number of threads do not change a byte of the tensors (`cat` keeps the order it was given, its delta is the same; `--extras first` takes the first adapter's).",
      "merge/merge > has the same bytes from any order of the inputs, with their weights (%j)",
      "methods/invariants > does not depend on the order of the adapters",
      "node/merge-to-folder > writes the same bytes into every file for 1, 2 and 4 threads",
      "merge/extras > have the same bits from any order of the inputs",
      "merge/extras > are by first those of the first input that has each",
    ],
    [
      "What cannot be merged correctly is refused in one sentence that says what to do instead: DoRA, trained biases, PiSSA and other changed bases, adapters of different depth, NaN.",
      "cli/refusals > is refused in one line with its name and the way out: %s",
      "cli/refusals > are refused in one line with names and the way out: %s",
      "adapter/variants > never comes out of a writer, a plan or a merge, in any dialect and mixture",
      "node/merge-to-folder > leaves nothing of a merge of an adapter with a NaN, and names adapter and tensor",
    ],
    [
      "Nothing is skipped silently; heads and biases need `--extras`.",
      "merge/extras > are refused by default, with who has them, the list and the choices",
      "merge/extras > are left out by drop, which says so and lists each",
    ],
    [
      "The output folder appears complete or not at all, also after `kill -9`; inputs are never written to, and only folders that lora-lego wrote are replaced.",
      "slow/kill > leaves the old output or the new one, complete, and the next run puts things right",
      "slow/kill > leaves the old output or the new one, complete: %s",
      "node/output-folder > shows nothing at the target before the commit, and all of it after",
      "node/output-folder > refuses a target that is, contains or lies in an input, by whatever links",
      "node/merge-to-folder > does not touch an input whose weights are a link into the output",
      "node/output-folder > refuses a folder that it did not write and changes nothing in it (force %s)",
    ],
  ],
};
