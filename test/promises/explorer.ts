import { EXPLAINS, MEASURED, type PromisingText } from "./promises.ts";

export const EXPLORER: PromisingText = {
  document: "docs/explorer.md",
  heading: null,
  sentences: [
    [
      "The page opens adapters, shows what merges with what, and merges; all of it happens in the browser.",
      "page/flows > goes from the example set to a merge whose files are the command line's, byte by byte",
    ],
    [
      "Nothing is uploaded: the page may talk to its server and to the hosts that the Hugging Face Hub sends files from, nothing else.",
      "node/ui-server > lets the page talk to itself and the Hub alone",
    ],
    [
      "The server answers on 127.0.0.1 alone and gives out the page's files and those of the adapters named, nothing else of the disk.",
      "node/ui-server > listens on 127.0.0.1 alone, and serves the page with strict headers",
      "node/ui-server > gives nothing else of the disk: %s",
    ],
    [
      "The address that `ui` prints ends in a token, new at every start.",
      "node/ui-server > has another token at every start",
      "node/ui-server > opens with the token of its address, which a cookie takes the place of",
    ],
    [
      "Opening it sets a cookie and leads to the page; without either, nothing is answered, so that neither other sites nor other users of the machine see the adapters.",
      "node/ui-server > opens with the token of its address, which a cookie takes the place of",
      "node/ui-server > gives %s to nobody without the token",
      "node/ui-server > answers neither other hosts' names nor other sites",
    ],
    [
      "The browser that `ui` opens gets an address of its own, since other users of a machine can read the arguments of programs: it works once, on Linux for programs of the same user alone; on macOS it is no argument, and on Windows others cannot read them.",
      "cli/ui > opens the browser with an address that is not the printed one, and works once",
      "node/ui-server > has an address that works once, and takes the place of the one before",
      "node/ui-server > gives nothing to another user who has the address of the browser",
      "cli/ui > keeps the address from the arguments that others can read",
    ],
    [
      "A browser sends the cookie to every port of 127.0.0.1: do not open what you do not trust there meanwhile.",
      EXPLAINS,
    ],
    [
      "A link to the page on another site is refused; paste the address into the browser instead.",
      "node/ui-server > answers no page but its own, by what browsers say of who asks",
    ],
    [
      "Without the server: `npm run build:web` writes the same page to `dist/web`, which any static host can serve.",
      EXPLAINS,
    ],
    [
      "Drop folders or files anywhere on the page, pick them, name one on the Hugging Face Hub (read by range, not stored), or take the example set: seven adapters of [minibench](../examples/minibench).",
      "page/shows > comes of each adapter in a folder of folders that is dropped on the page",
      "page/flows > says what it cannot read in the command line's words, and keeps the rest",
      "page/flows > goes from the example set to a merge whose files are the command line's, byte by byte",
      "browser/explorer > opens an adapter on the Hub by ranges, merges it, and pins its commit in the recipe",
    ],
    [
      "A folder of folders opens all adapters in it.",
      "page/shows > comes of each adapter in a folder of folders that is dropped on the page",
      "browser/dropped > make one adapter of each folder that holds one, at any depth",
    ],
    [
      "Every format that the command line reads is read, and what cannot be read says why in the command line's words.",
      "page/flows > says what it cannot read in the command line's words, and keeps the rest",
      "browser/explorer > says why a folder is not opened in the words of the command line",
      "browser/explorer > opens every format that the command line reads",
    ],
    [
      "A card shows format, base, rank, scale, modules, element types and size; there the adapter is renamed, weighted, moved and removed.",
      "page/shows > says what an adapter is, and lets it be renamed, weighted, moved and removed",
    ],
    [
      "Layers by kinds of modules, shaded by one figure, which stands in the cell as well: **delta norm** (Frobenius norm of s B A), **effective rank**, **similarity** (cosine of two adapters' deltas), **sign conflict** (share of sampled entries in which two deltas have different signs; 0.5 is chance), **cluster purity** (share of units in a cluster whose majority is of their own adapter, LEGO at the largest rank).",
      "page/shows > has every figure of one or two adapters where they are chosen, else the mean, and shades by it",
      "browser/explorer > looks at every module: norms and effective ranks as inspect gives them, similar to itself, purity a share",
    ],
    [
      "Figures of one or two adapters can be chosen, else the mean.",
      "page/shows > has every figure of one or two adapters where they are chosen, else the mean, and shades by it",
    ],
    [
      "A cell opens its module; the arrow keys go from cell to cell.",
      "page/quality > is worked by keyboard alone",
      "views/roving > goes up and down in a column, over what is missing there, and stays at the edges",
    ],
    [
      "**Units** lie in the plane of their largest variance (PCA from the Gram matrix), or as UMAP lays them out on request.",
      "page/flows > clusters anew as k moves, and shows what a unit is",
      "browser/explorer > shows a module's units in a plane, and any k of its clusters",
    ],
    [
      "Colour and shape say the adapter, hulls the clusters.",
      "page/shows > draws units, hulls, curves, cosines, singular values and clusters, which follow k",
    ],
    [
      "Choose units to see their lengths, cluster and likeness; the arrow keys go through them by adapter.",
      "page/flows > clusters anew as k moves, and shows what a unit is",
      "page/quality > is worked by keyboard alone",
    ],
    [
      "All adapters weigh alike here, whatever they weigh in a merge.",
      "page/shows > weighs all adapters alike, whatever they weigh in a merge",
    ],
    [
      "**k** moves the number of clusters, which is the rank of the result; everything follows at once, since the Gram matrices stay in memory.",
      "page/shows > draws units, hulls, curves, cosines, singular values and clusters, which follow k",
      "browser/explorer > clusters alike whatever was clustered before, in every gauge, sign and metric",
    ],
    [
      "Gauge, sign and metric are LEGO's options ([methods/lego.md](methods/lego.md)); manhattan, which clusters by k-medoids, is in the merge form only.",
      "page/shows > draws units, hulls, curves, cosines, singular values and clusters, which follow k",
    ],
    [
      "**Curves** over k: inertia, purity beside chance, norm ratio, energy.",
      "page/shows > draws units, hulls, curves, cosines, singular values and clusters, which follow k",
    ],
    [
      "The dashed line is the present k.",
      "page/shows > draws units, hulls, curves, cosines, singular values and clusters, which follow k",
    ],
    [
      "**Cosines** between all units, ordered by cluster; blue alike, orange opposed.",
      "page/shows > draws units, hulls, curves, cosines, singular values and clusters, which follow k",
    ],
    [
      "**Singular values** of each adapter's delta (dashed) and of the merged one.",
      "page/shows > draws units, hulls, curves, cosines, singular values and clusters, which follow k",
    ],
    [
      "**Clusters** with their members and reweighting; the number of a cluster marks its units in the plane.",
      "page/shows > draws units, hulls, curves, cosines, singular values and clusters, which follow k",
    ],
    [
      "Clusters that hold one unit of every adapter each, all with the same number, are a sign of adapters that were trained with the same seed: they began with the same random A, and their units are still grouped by it (the example set shows it).",
      EXPLAINS,
    ],
    ["What the adapters learnt then lies in B.", EXPLAINS],
    [
      "The form has every method with its options as its schema describes them, the rank, a factor of the delta, and the program that is to load the result; under *More* what few merges need: heads and other full tensors, element type, modules in and out, adapters that share little.",
      "views/merge-form > has the options of the method chosen, and forgets those of the one before",
      "views/merge-form > asks for what is chosen, and for nothing where the default is chosen again",
      "views/merge-form > takes several patterns of modules",
    ],
    [
      "Each field names its flag of the command line, since refusals speak of flags; what a refusal speaks of opens by itself.",
      "views/merge-form > shows the field that a refusal speaks of",
      "page/flows > refuses what the command line refuses before anything is merged",
    ],
    [
      "What a merge would write, or why it is refused, stands below before anything runs, as far as the headers tell.",
      "browser/explorer > estimates the size that the merge has, and passes on refusals",
      "page/flows > refuses what the command line refuses before anything is merged",
    ],
    [
      "A merge shows its progress and can be cancelled; its report and downloads follow: a PEFT folder (zip, or written into a folder where the browser can), the single files, the recipe, the report as JSON or as a page.",
      "page/flows > ends a merge that is cancelled, and can merge again",
      "page/flows > goes from the example set to a merge whose files are the command line's, byte by byte",
    ],
    ["The last four results are compared side by side.", "page/shows > are kept side by side, the last four of them"],
    [
      "The files are those that `lora-lego merge` writes for the same recipe, byte by byte.",
      "page/flows > goes from the example set to a merge whose files are the command line's, byte by byte",
      "browser/explorer > merges to the bytes of lora-lego merge, all files of the folder",
    ],
    [
      "Seven adapters of 80 MB (all linear modules of Llama-2-7B's shape, rank 16), Chromium 156 on two cores of an AMD EPYC, `npm run bench:page`: 5.4 s for a merge by lego to rank 16, where reading the same bytes in slices alone takes 2.2 s there and the command line 1.6 s (1.40 times the two together).",
      `${MEASURED}bench/page.mjs`,
    ],
    ["The page's own thread had no task of more than 50 ms meanwhile.", `${MEASURED}bench/page.mjs`],
    [
      "Adapters stay on disk and are read in slices.",
      "browser/handed-files > are read in slices: of large weights, the header when they are opened",
    ],
    [
      "A merge takes some 280 MB beside what the page holds already: 80 MB are the result, and most of the rest is the one input that is being hashed.",
      `${MEASURED}bench/page.mjs`,
    ],
    [
      "Browsers hash whole files; those above 128 MB are hashed in pieces, more slowly.",
      "browser/hash > of %i bytes is that of Node, whole and in pieces",
    ],
    ["The command line's peak is 149 MB.", `${MEASURED}bench/page.mjs`],
    [
      "Results are held in memory, as large as they are, the last four of them.",
      "page/shows > are kept side by side, the last four of them",
    ],
  ],
};
