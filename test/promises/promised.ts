import type { PromisingText } from "./promises.ts";

export const PROMISED: PromisingText = {
  document: "docs/promises.md",
  heading: "The promises",
  sentences: [
    [
      "The delta of a module is s B A with s = alpha / r (or alpha / sqrt(r) with rsLoRA), after rank_pattern and alpha_pattern are applied.",
      "adapter/peft > is alpha / r, or alpha / sqrt(r) with rsLoRA",
      "adapter/peft > follows alpha_pattern, the first match in the file's order",
      "adapter/peft > divides by the rank of rank_pattern, or by its root with rsLoRA",
    ],
    [
      "One adapter merged alone at its own rank comes back byte-identical if its scale can be kept, otherwise within 1e-6 in f32.",
      "merge/merge > with one scale comes back bit for bit in %s, by every method",
      "merge/merge > with differing scales keeps its delta in %s (%d)",
    ],
    [
      "The order of the adapters and the number of threads do not change a byte of the tensors.",
      "merge/merge > has the same bytes from any order of the inputs, with their weights (%j)",
      "methods/invariants > does not depend on the order of the adapters",
      "node/merge-to-folder > writes the same bytes into every file for 1, 2 and 4 threads",
      "plan/extras > have the same bits from any order of the inputs",
    ],
    [
      "There are two exceptions: `cat` keeps the order you gave (its delta is the same), and `--extras first` takes each from the first adapter that has it.",
      "methods/invariants > does not depend on the order of the adapters",
      "plan/extras > are by first those of the first input that has each",
    ],
    [
      "What cannot be merged correctly is refused in one sentence that says what to do instead: DoRA, PiSSA and other changed bases, adapters of different depth, NaN.",
      "cli/refusals > is refused in one line with its name and the way out: %s",
      "cli/refusals > are refused in one line with names and the way out: %s",
      "adapter/variants > never comes out of a writer, a plan or a merge, in any dialect and mixture",
      "node/merge-to-folder > leaves nothing of a merge of an adapter with a NaN, and names adapter and tensor",
    ],
    [
      "Nothing is skipped silently; heads and biases need `--extras`.",
      "plan/extras > are refused by default, with who has them, the list and the choices",
      "plan/extras > are left out by drop, which says so and lists each",
    ],
    [
      "Every output, folder or file, appears complete or not at all, even after `kill -9`.",
      "slow/kill > leaves the old output or the new one, complete, and the next run puts things right",
      "slow/kill > leaves the old output or the new one, complete: %s",
      "slow/kill-commands > leaves each old output or the new one, complete, and the next run clears the rest",
      "node/output-folder.alone > shows nothing at the target before the commit, and all of it after",
      "node/output-file > shows nothing at the target before the commit, and nothing beside it after",
    ],
    [
      "The next run to the same place clears away what a killed one left there.",
      "slow/kill > leaves the old output or the new one, complete, and the next run puts things right",
      "slow/kill > leaves the old output or the new one, complete: %s",
      "slow/kill-commands > leaves each old output or the new one, complete, and the next run clears the rest",
      "node/output-file > removes what it left, and says so",
    ],
    [
      "Inputs are never written to.",
      "node/output-folder.alone > refuses a target that is, contains or lies in an input, by whatever links",
      "node/output-file > refuses folders, links to nothing and inputs, by whatever links (%s)",
      "node/merge-to-folder > does not touch an input whose weights are a link into the output",
      "cli/outputs > never takes the place of an input, whatever leads there, even with --force",
    ],
    [
      "Existing output is replaced only with `--force`, and a folder only if lora-lego wrote it.",
      "node/output-folder.alone > refuses a folder that it did not write and changes nothing in it (force %s)",
      "node/output-file > replaces what exists by force only, whoever wrote it",
    ],
    [
      "Pages and reports (`--html`, `--report`, `bench --out`) replace older ones from lora-lego without `--force`; they never replace weights or an adapter_config.json, not even with it.",
      "node/output-file > replaces %s that lora-lego wrote by one without force",
      "node/output-file > replaces %s by a page only by force",
    ],
    [
      "Names found in files cannot control your terminal through tables, errors or pages.",
      "cli/terminal > cannot steer it: %s",
      "cli/terminal > are escaped in cards, pages and reports",
    ],
    [
      "Running out of memory, file handles or disk space is reported in plain words.",
      "cli/resources > %s file handles: one sentence, and nothing left",
      "cli/resources > of memory is one too: %s",
      "cli/resources > files that may not grow: %s names the file",
    ],
    [
      "Only what lies in the folder you passed is copied, uploaded or served: links that lead out of it are refused.",
      "cli/links > are followed by fuse within the folder, and in the Hub's cache",
      "cli/links > are not served by ui",
      "node/hub > uploads nothing where %s is a link out of the folder",
      "node/own-file > are the same when the folder itself is reached by a link",
    ],
    [
      "The Hub cache's links to its own blobs do not count as leading out.",
      "cli/links > are followed by fuse within the folder, and in the Hub's cache",
    ],
  ],
};
