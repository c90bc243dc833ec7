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
      "Every output, folder or file, appears complete or not at all, also after `kill -9`, and the next run clears away what a killed one left.",
      "slow/kill > leaves the old output or the new one, complete, and the next run puts things right",
      "slow/kill > leaves the old output or the new one, complete: %s",
      "slow/kill-commands > leaves each old output or the new one, complete, and the next run clears the rest",
      "node/output-folder > shows nothing at the target before the commit, and all of it after",
      "node/output-file > shows nothing at the target before the commit, and nothing beside it after",
      "node/output-file > removes what it left, and says so",
    ],
    [
      "Inputs are never written to.",
      "node/output-folder > refuses a target that is, contains or lies in an input, by whatever links",
      "node/output-file > refuses folders, links to nothing and inputs, by whatever links (%s)",
      "node/merge-to-folder > does not touch an input whose weights are a link into the output",
      "cli/outputs > never takes the place of an input, whatever leads there, even with --force",
    ],
    [
      "What exists is replaced only with `--force`, and of folders only those that lora-lego wrote; pages and reports (`--html`, `--report`, `bench --out`) take the place of older ones of lora-lego's without it, and of weights or an adapter_config.json not even with it.",
      "node/output-folder > refuses a folder that it did not write and changes nothing in it (force %s)",
      "node/output-file > replaces what exists by force only, whoever wrote it",
      "node/output-file > replaces %s that lora-lego wrote by one without force",
      "node/output-file > replaces %s by a page only by force",
    ],
    [
      "Names out of files cannot steer your terminal, in tables, errors and pages alike; want of memory, handles or room on the disk is said in words.",
      "cli/terminal > cannot steer it: %s",
      "cli/terminal > are escaped in cards, pages and reports",
      "cli/resources > %s file handles: one sentence, and nothing left",
      "cli/resources > of memory is one too: %s",
      "cli/resources > files that may not grow: %s names the file",
    ],
    [
      "What is copied, uploaded or served lies in the folder that you passed: links out of it are refused (the Hub cache's links into its own blobs are no such links).",
      "cli/links > are followed by fuse within the folder, and in the Hub's cache",
      "cli/links > are not served by ui",
      "node/hub > uploads nothing where %s is a link out of the folder",
      "node/own-file > are the same when the folder itself is reached by a link",
    ],
  ],
};
