import { EXPLAINS, MEASURED, type PromisingText } from "./promises.ts";

export const HUB: PromisingText = {
  document: "docs/hub.md",
  heading: null,
  sentences: [
    [
      "You can write `hf://owner/name` wherever an adapter is expected, on the command line and in recipes.",
      "cli/hub > are merged, from a recipe too, and inspected by range",
      "node/hub > lies in a folder of its repository where the path says so, and in shards where it has some",
      "node/hub > %s is read",
    ],
    [
      "You can add `@revision` (a branch, tag or commit; write a slash in a branch as `%2F`) and `/subfolder`:",
      "node/hub > lies in a folder of its repository where the path says so, and in shards where it has some",
      "node/hub > %s is read",
    ],
    [
      "Only what the adapter needs is downloaded: its config, its weights (all shards if there are several), and its card, which names its datasets.",
      "node/hub > is downloaded into a cache as Python's library has it: config, weights and card, nothing else",
      "node/hub > lies in a folder of its repository where the path says so, and in shards where it has some",
      "node/hub > names them by their ids and commits, and takes over their datasets",
    ],
    [
      "Every run looks each path up once, so all steps of a recipe see the same commit; the recipe and the card that a merge writes name that commit.",
      "node/hub-bounds > a path is looked up once, whoever asks for it",
      "node/hub > names them by their ids and commits, and takes over their datasets",
    ],
    [
      "Files are stored in the cache of Python's huggingface_hub, in its layout, so each of the two finds what the other has downloaded (checked with huggingface_hub 2.4.0: `tools/hub/check-cache.mjs`).",
      "node/hub > is downloaded into a cache as Python's library has it: config, weights and card, nothing else",
      "node/hub > says what Python's huggingface_hub reads from it",
      `${MEASURED}tools/hub/check-cache.mjs`,
    ],
    [
      "The cache folder is `HF_HUB_CACHE`, else `HF_HOME`/hub, else `~/.cache/huggingface/hub`.",
      "node/hub > is downloaded into a cache as Python's library has it: config, weights and card, nothing else",
      "node/hub > says what Python's huggingface_hub reads from it",
    ],
    [
      "Interrupted downloads resume, in the same run or the next one.",
      "node/hub > goes on where a download broke off, in this run and in the next",
    ],
    [
      "Checksums are verified: SHA-256 for large files, git's hash for small ones.",
      "node/hub > is refused when its checksum is wrong, and nothing of it is kept",
      "node/hub-bounds > with the wrong checksum leaves nothing behind",
    ],
    [
      "The token is `HF_TOKEN`, or else the one that `hf auth login` stored.",
      "node/hub > says what Python's huggingface_hub reads from it",
    ],
    [
      "It is sent only to the Hub, never to the storage servers that the Hub redirects to.",
      "node/hub > gets the token only from the Hub itself, not from where large files are stored",
      "node/hub-bounds > gives the token to the Hub alone, not to where large files go",
    ],
    [
      "`HF_HUB_OFFLINE=1` uses only what is in the cache.",
      "node/hub > comes from the cache afterwards: offline, and by its commit without asking",
    ],
    [
      "`HF_ENDPOINT` names another Hub or a mirror.",
      "node/hub > says what Python's huggingface_hub reads from it",
      "cli/hub > are merged, from a recipe too, and inspected by range",
    ],
    [
      "**`--stream`** stores nothing: weights are read by range, module by module, as a merge needs them.",
      "node/hub > reads them by range with stream, to the same bytes, and stores nothing",
    ],
    [
      "The result is byte-identical.",
      "node/hub > reads them by range with stream, to the same bytes, and stores nothing",
    ],
    ["Each module needs its own requests, so download if the cache has room.", EXPLAINS],
    [
      "The SHA-256 in the report is then the one that the Hub gives for the file.",
      "node/hub > reads them by range with stream, to the same bytes, and stores nothing",
    ],
    [
      "The library has the same for browsers: `streamHubAdapter`.",
      "browser/explorer-opens > opens an adapter on the Hub by ranges, merges it, and pins its commit in the recipe",
    ],
    [
      "**`push`** uploads the plain files of the folder as one commit, large ones through LFS.",
      "node/hub > makes the repository and uploads the folder's files, large ones apart",
      "node/hub > uploads into a repository that is there already",
    ],
    [
      "If the repository does not exist yet, it is created, and you say who can see it: `--public` or `--private`; without either, nothing is created.",
      "node/hub > makes no repository of which nobody said who may see it",
    ],
    [
      "It refuses folders that hold no adapter, files that are links out of the folder, and `--private` for a repository that is public.",
      "node/hub > refuses folders that hold no adapter",
      "node/hub > uploads nothing where %s is a link out of the folder",
      "node/hub > uploads nothing into a repository that others may see, when told that it is private",
    ],
    [
      "Requests that meet a busy server or a broken connection are tried up to four times in all, and so are connections that deliver less than 16 kB in a minute.",
      "node/hub > is asked for again when the Hub is busy, a few times",
      "node/hub-bounds > is asked for again where a range breaks off, four times in all",
      "node/hub-bounds > is given up when no answer comes, or only a drip of one",
      "node/hub-bounds > that brings hardly anything counts as broken off",
    ],
    [
      "A file that is longer than the Hub's own listing says is cut off and refused, and nothing of it is kept.",
      "node/hub-bounds > that is longer than listed is cut off, refused and removed",
      "node/hub-bounds > is refused where a range comes longer than it was asked for",
      "slow/hub-hostile > keeps memory within bounds, however much it sends",
    ],
    [
      "A listing ends after 200 pages or 32 MB, and never continues on another host.",
      "node/hub-bounds > without end is given up after 200 answers",
      "node/hub-bounds > is bounded in length, all pages together",
      "node/hub-bounds > does not go on at another host",
    ],
    [
      "If something is missing, private, gated or unreachable, one sentence says so and what to do.",
      "node/hub > %s (token %s) is refused in words",
      "node/hub > says so when the Hub cannot be reached",
    ],
  ],
};
