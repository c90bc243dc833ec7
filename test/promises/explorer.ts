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
      "Nothing is uploaded: the page may talk only to its own server and to the hosts that the Hugging Face Hub sends files from.",
      "node/ui-server > lets the page talk to itself and the Hub alone",
    ],
    [
      "The server listens only on 127.0.0.1 and serves only the page's files and those of the adapters you named.",
      "node/ui-server > listens on 127.0.0.1 alone, and serves the page with strict headers",
      "node/ui-server > gives nothing else of the disk: %s",
    ],
    [
      "The [glossary](glossary.md) explains the words used on the page, which links to it.",
      "page/quality > opens the glossary in a tab of its own, accessible too",
    ],
    [
      "The address that `ui` prints ends in a token, which is new at every start.",
      "node/ui-server > has another token at every start",
      "node/ui-server > opens with the token of its address, which a cookie takes the place of",
    ],
    [
      "Opening it sets a cookie and leads to the page.",
      "node/ui-server > opens with the token of its address, which a cookie takes the place of",
    ],
    [
      "Without the token or the cookie nothing is answered, so neither other sites nor other users of the machine can see the adapters.",
      "node/ui-server > gives %s to nobody without the token",
      "node/ui-server > answers neither other hosts' names nor other sites",
    ],
    [
      "Other users of a machine can read the arguments of programs, so the browser that `ui` opens gets an address of its own that works only once.",
      "cli/ui > opens the browser with an address that is not the printed one, and works once",
      "node/ui-server > has an address that works once, and takes the place of the one before",
    ],
    [
      "On Linux it also works only for programs of the same user; on macOS it is not passed as an argument, and on Windows other users cannot read arguments.",
      "node/ui-server > gives nothing to another user who has the address of the browser",
      "cli/ui > keeps the address from the arguments that others can read",
    ],
    [
      "A browser sends the cookie to every port of 127.0.0.1, so do not open anything there that you do not trust while the explorer runs.",
      EXPLAINS,
    ],
    [
      "A link to the page on another site is refused; paste the address into the browser instead.",
      "node/ui-server > answers no page but its own, by what browsers say of who asks",
    ],
    [
      "To use the page without the server, run `npm run build:web`: it writes the same page to `dist/web`, which any static host can serve, in any folder.",
      "page/kept > serves the page from any folder, and opens the adapters of the Hub that the link names",
    ],
    [
      "A link to it may name adapters on the Hub, which open by themselves: `#hf=alice/math,bob/med`.",
      "page/kept > serves the page from any folder, and opens the adapters of the Hub that the link names",
    ],
    [
      "Without adapters the page draws one module of the example set, lets k fall once, and says in three sentences what that means.",
      "page/screen > is the example set drawn, three sentences, one large button, and nothing else to read",
      "page/screen > lets k fall by itself once, not for long, and not for those who want less motion",
    ],
    [
      "*Open yours* shows all ways to open adapters, which take the example's place; *Explore the example* shows the rest of the page.",
      "page/screen > is the example set drawn, three sentences, one large button, and nothing else to read",
      "page/screen > gives way to adapters of one's own, which take the example's place",
      "page/flows > goes from the example set to a merge whose files are the command line's, byte by byte",
    ],
    [
      "Drop folders or files anywhere on the page, pick them, name one on the Hugging Face Hub (read by range, not stored), or take the example set: seven adapters of [minibench](../examples/minibench).",
      "page/shows > comes of each adapter in a folder of folders that is dropped on the page",
      "page/flows > says what it cannot read in the command line's words, and keeps the rest",
      "page/flows > goes from the example set to a merge whose files are the command line's, byte by byte",
      "browser/explorer > opens an adapter on the Hub by ranges, merges it, and pins its commit in the recipe",
    ],
    [
      "If a folder contains other folders, or several single files, all adapters in them are opened.",
      "page/shows > comes of each adapter in a folder of folders that is dropped on the page",
      "browser/dropped > make one adapter of each folder that holds one, at any depth",
      "browser/dropped > in a folder of single files are one adapter each, which image models have",
    ],
    [
      "Adapters of one name are told apart by the folders around them.",
      "browser/dropped > that have one name are told apart by the folders around them",
    ],
    [
      "Weights and their config that come one after the other make one adapter.",
      "state/adapters > makes one of %s, which were refused alone",
      "browser/dropped > make one, whichever comes first, with the name that one of them has",
    ],
    [
      "The page reads every format that the command line reads, and explains what it cannot read in the same words.",
      "page/flows > says what it cannot read in the command line's words, and keeps the rest",
      "browser/explorer > says why a folder is not opened in the words of the command line",
      "browser/explorer > opens every format that the command line reads",
    ],
    [
      "It also opens zip archives that store files as they are, such as its own; others are to be unpacked first.",
      "state/download > of the folder is opened again as the adapter that it holds",
      "browser/unzipped > is to be unpacked first where it is compressed, and is said to be damaged where it is cut off",
    ],
    [
      "A chip shows an adapter's mark, rank and norm, and whether it is lost in the sum of all.",
      "page/shows > says what an adapter is, and lets it be renamed, weighted, moved and removed",
      "page/shows > says who is lost beside its name, and balances the set where that is recommended",
    ],
    [
      "It opens a card with format, base, scale, modules, element types and size; there you can rename, weight, move and remove the adapter.",
      "page/shows > says what an adapter is, and lets it be renamed, weighted, moved and removed",
    ],
    [
      "As soon as adapters of two base models are open, the page warns of it.",
      "page/shows > warns as soon as adapters of two base models are open",
    ],
    [
      "It begins with what [audit](audit.md) says of the set: how alike the adapters are, who is lost in their plain sum, the merge that is recommended and why, and what speaks against it.",
      "page/shows > begins with how alike the adapters are, who is lost, and what to do, which a button does",
      "page/shows > says who is lost beside its name, and balances the set where that is recommended",
    ],
    [
      "Buttons fill the merge form with what is recommended, also at the rank that leaves room for each adapter where there are more adapters than ranks.",
      "page/shows > recommends the rank that leaves room for each adapter, where there are more adapters than ranks",
      "page/shows > begins with how alike the adapters are, who is lost, and what to do, which a button does",
      "page/shows > says who is lost beside its name, and balances the set where that is recommended",
    ],
    [
      "Adapters that the recommendation leaves out get weight 0; what hardly trained is left out first, and brought to the size of the others only by a second button.",
      "page/shows > says who is lost beside its name, and balances the set where that is recommended",
    ],
    [
      "The table below shows layers by kind of module, shaded by one figure that each cell also prints:",
      "page/shows > has every figure of one or two adapters where they are chosen, else the mean, and shades by it",
      "browser/explorer > looks at every module: norms and effective ranks as inspect gives them, similar to itself, purity a share",
    ],
    [
      "**delta norm**: the Frobenius norm of s B A",
      "browser/explorer > looks at every module: norms and effective ranks as inspect gives them, similar to itself, purity a share",
    ],
    [
      "**effective rank**: how many singular values the delta really uses",
      "browser/explorer > looks at every module: norms and effective ranks as inspect gives them, similar to itself, purity a share",
    ],
    [
      "**similarity**: the cosine of two adapters' deltas",
      "page/shows > has every figure of one or two adapters where they are chosen, else the mean, and shades by it",
    ],
    [
      "**sign conflict**: the share of sampled entries in which two deltas have different signs; 0.5 is chance",
      "page/shows > has every figure of one or two adapters where they are chosen, else the mean, and shades by it",
    ],
    [
      "**cluster purity**: the share of units in a cluster whose majority comes from their own adapter, for LEGO at the rank where its module's k begins, which the page names; modules that were looked at before the set was known well enough for it are read again at the end",
      "browser/explorer > clusters again for purity what was read before all adapters were known",
      "browser/explorer > looks at every module: norms and effective ranks as inspect gives them, similar to itself, purity a share",
      "browser/explorer > clusters for purity at the rank where a module's k begins",
    ],
    [
      "You can choose the figures of one or two adapters; otherwise the mean is shown.",
      "page/shows > has every figure of one or two adapters where they are chosen, else the mean, and shades by it",
    ],
    [
      "The ends of the colours' scale are fixed: those of the figure, or zero and the largest value of any adapter and module.",
      "page/shows > has every figure of one or two adapters where they are chosen, else the mean, and shades by it",
    ],
    [
      "Modules of image models are grouped by block; such a cell is the mean over its modules.",
      "page/shows > groups the modules of an image model by block",
      "analysis/module-grid > puts the modules of an image model's block together by kind, and others in rows of their own",
    ],
    [
      "A module with more than 4096 units has only the figures of single adapters, and the page says why.",
      "browser/explorer > looks at each adapter alone where a module has too many units to compare, and refuses to show that module",
    ],
    [
      "A cell opens its module; the arrow keys move from cell to cell.",
      "page/quality > is worked by keyboard alone",
      "views/roving > goes up and down in a column, over what is missing there, and stays at the edges",
    ],
    [
      "All of it fits on one screen of 1280 x 800.",
      "page/screen > has the plane, curves, matrix, clusters and k at 1280 x 800, without scrolling",
    ],
    [
      "**Units** are drawn in the plane of their largest variance (PCA from the Gram matrix), or laid out by UMAP if you ask for it.",
      "page/flows > clusters anew as k moves, and shows what a unit is",
      "browser/explorer > shows a module's units in a plane, and any k of its clusters",
    ],
    [
      "Colour and shape show the adapter; outlines show the clusters, in the mixture of their adapters' colours.",
      "page/screen > colours an outline by the adapters in it",
      "page/shows > draws units, hulls, curves, cosines, singular values and clusters, which follow k",
    ],
    [
      "Choose units to see their lengths, cluster and similarity; the arrow keys go through them by adapter.",
      "page/flows > clusters anew as k moves, and shows what a unit is",
      "page/quality > is worked by keyboard alone",
    ],
    [
      "The unit under the pointer and the one that has the focus show their names, which screen readers read.",
      "page/screen > draws the focus on the mark, where it covers no neighbour, with the unit's name",
      "page/screen > names the unit under the pointer, and chooses what is pressed",
    ],
    [
      "Buttons, the keys + - 0, a wheel with Ctrl and pinching zoom; dragging moves what is zoomed.",
      "page/screen > zooms by buttons and keys, moves when it is dragged, and goes back",
    ],
    [
      "All adapters count equally here, whatever their weights in a merge.",
      "page/shows > weighs all adapters alike, whatever they weigh in a merge",
    ],
    [
      "**k** sets the number of clusters, which is the rank of the result; everything follows at once, because the Gram matrices stay in memory.",
      "page/shows > draws units, hulls, curves, cosines, singular values and clusters, which follow k",
      "browser/explorer > clusters alike whatever was clustered before, in every gauge, sign and metric",
    ],
    [
      "Outlines grow and shrink as units change clusters, unless you asked your system for less motion.",
      "page/screen > regroups in steps, or at once for those who want less motion",
    ],
    [
      "It begins at the rank that is recommended for LEGO, which is marked on the curves; *Use this k* fills the merge form with LEGO at k.",
      "state/advised > is where the module's k begins, and not where that of the first view was",
      "page/screen > marks the recommended k on the curves, and fills the merge form with the k that is used",
    ],
    [
      "Gauge, sign and metric are LEGO's options ([methods/lego.md](methods/lego.md)).",
      "page/shows > draws units, hulls, curves, cosines, singular values and clusters, which follow k",
    ],
    ["Only the merge form has manhattan, which clusters by k-medoids.", EXPLAINS],
    [
      "**Curves** over k: inertia, purity and its chance level, norm ratio, energy.",
      "page/shows > draws units, hulls, curves, cosines, singular values and clusters, which follow k",
    ],
    [
      "The dashed line is the current k.",
      "page/shows > draws units, hulls, curves, cosines, singular values and clusters, which follow k",
    ],
    [
      "**Cosines** between all units, ordered by cluster; blue means similar, orange opposed.",
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
      "If each cluster holds one unit of every adapter, all with the same number, the adapters were probably trained with the same seed.",
      EXPLAINS,
    ],
    [
      "They started from the same random A, and their units are still grouped by it (the example set shows it).",
      EXPLAINS,
    ],
    ["What the adapters learnt is then in B.", EXPLAINS],
    [
      "The menu of every chart saves it as SVG or PNG, with its title and a legend, and shows the figures of its lines, or those of all units.",
      "page/kept > is saved as SVG and as PNG, in the page's colours",
    ],
    [
      "The form starts with [auto](methods/auto.md), which chooses the method by the number of adapters.",
      "views/merge-form > has no options where auto chooses the method, and says by what",
      "page/flows > merges by the method that auto chooses, unless another is chosen",
    ],
    [
      "An empty rank is filled with the one that the overview recommends for the method, and says so; empty the field for the method's own, which it then names.",
      "state/advised > fills an empty rank of auto, of the method that it is for, and of LEGO, until the field is emptied",
      "page/flows > merges by the method that auto chooses, unless another is chosen",
    ],
    [
      "A rank that you typed stays when you choose another method; one that was filled in stays unless another one is recommended for it.",
      "state/advised > stays where it was typed, by whatever method",
      "state/advised > stays with another method, of which the overview recommends none",
      "state/advised > is the recommended one of the next method, whatever way led to the one before",
    ],
    [
      "A factor that came from a result's advice goes with the method that it was computed for.",
      "state/advised > goes with the method that it was computed for",
    ],
    [
      "The programs that would not load what is merged of the open adapters cannot be chosen, and say why.",
      "views/merge-form > offers the programs that load the result, and says of the others why not",
      "browser/explorer > knows which programs load what is merged before it is",
    ],
    [
      "It has every method with its options (folded), the rank, a factor for the delta, the program that will load the result, and a slider for each weight.",
      "page/merge > has nothing of its flow below the fold, by auto and with a method's options folded",
      "views/merge-form > weighs adapters by sliders, whose span grows with a weight",
      "views/merge-form > has the options of the method chosen, and forgets those of the one before",
      "views/merge-form > asks for what is chosen, and for nothing where the default is chosen again",
      "views/merge-form > takes several patterns of modules",
    ],
    [
      "Under *More* are the settings that few merges need: heads and other full tensors, element type, modules to include or exclude, adapters that share little.",
      "views/merge-form > has the options of the method chosen, and forgets those of the one before",
      "views/merge-form > asks for what is chosen, and for nothing where the default is chosen again",
      "views/merge-form > takes several patterns of modules",
    ],
    [
      "Each field names its command line flag; sentences of the page name the field, and the field that a refusal is about opens by itself.",
      "views/said > names fields by their labels, also those of a method's options, and leaves other flags of the command line alone",
      "views/merge-form > shows the field that a refusal speaks of",
      "page/flows > refuses what the command line refuses before anything is merged",
    ],
    [
      "Before anything runs, the page shows what the merge would write, or why it is refused, as far as the headers tell.",
      "browser/explorer > estimates the size that the merge has, and passes on refusals",
      "page/flows > refuses what the command line refuses before anything is merged",
    ],
    [
      "A merge shows its progress and can be cancelled.",
      "page/flows > ends a merge that is cancelled, and can merge again",
    ],
    [
      "Its result takes the focus and is scrolled into view.",
      "page/merge > takes the focus and is scrolled into view, in %o",
    ],
    [
      "It says whether an adapter is lost, what to try next, with buttons that do it, and how programs load the result, as the command line does.",
      "page/merge > ends with what the command line ends with: what is lost, what to try, which a button does, and how to load it",
    ],
    [
      "You can download a PEFT folder (zip, or written into a folder if the browser can do that), the single files, the recipe, and the report as JSON or as a page.",
      "page/flows > goes from the example set to a merge whose files are the command line's, byte by byte",
    ],
    [
      "For image models the first download is one .safetensors file, as `--out NAME.safetensors` writes it, because that is what their programs load.",
      "browser/explorer > gives the merge of image adapters as the single file that their programs load, byte for byte",
      "state/download > is one file, which comes first, where the programs of an image model load that",
    ],
    [
      "The checks of `audit --of` follow in one line, which unfolds; they need the adapters open and are kept with the result.",
      "browser/explorer > finds in a result what lora-lego audit finds, and whether the program that it is for loads it",
      "page/merge > ends with what the command line ends with: what is lost, what to try, which a button does, and how to load it",
      "page/kept > are there after a reload, with their files, until they are forgotten",
    ],
    [
      "A result's title and the names of its files say what was asked for besides method and rank: factor, program, options and weights.",
      "browser/merge-title > tells merges apart by whatever differs, the folder's name too",
    ],
    [
      "What to try next starts from the result that it stands under, and needs its adapters open.",
      "state/advised > changes the merge that it is about, whatever the form says now",
      "state/advised > is for no other adapters: of %s",
      "views/merge-view > offers no other merge while its adapters are not open, and says why",
    ],
    [
      "Adapters that must be brought to one size first are not changed by the page, which gives the command line instead.",
      "state/advised > is a command line where adapters have to change first",
    ],
    [
      "The last six results stand side by side, with how much of each adapter they hold; the page says which went.",
      "page/shows > are kept side by side, the last six of them",
      "page/merge > of the five best methods stands beside the others, in one scale, with what was measured",
      "state/merge > keeps the last six results, whose numbers go on",
    ],
    [
      "*Merge by the five best* adds the five methods that scored best in [what was measured](evidence.md), best first; the merge that auto makes is marked.",
      "page/merge > of the five best methods stands beside the others, in one scale, with what was measured",
      "state/merge > goes by several recipes one after the other, and shows the first result, which stands first",
      "state/merge > stands in the order of several recipes, whatever of them was there already",
    ],
    [
      "An accuracy that was measured stands only with the merge that it was measured for: of the example set, at that rank.",
      "state/measured > names what was measured at other ranks, as merged and with the computed factor",
      "state/measured > names what was measured for the very merge: with the computed factor, or as merged",
      "page/merge > of the five best methods stands beside the others, in one scale, with what was measured",
    ],
    [
      'Where the values decide how large the result is (dc_merge), the form says "or less".',
      "browser/explorer > estimates the size that the merge has, and passes on refusals",
    ],
    [
      "The files are byte-identical to those that `lora-lego merge` writes for the same recipe.",
      "page/flows > goes from the example set to a merge whose files are the command line's, byte by byte",
      "browser/explorer > merges to the bytes of lora-lego merge, all files of the folder",
    ],
    [
      "Drop what `lora-lego bench --json` printed on the page, and its accuracies are shown beside the figures.",
      "page/kept > are shown beside the figures of the merges of the same method and rank",
    ],
    [
      "A result shows the accuracy of the merge that is named like its method and has its rank.",
      "page/kept > are shown beside the figures of the merges of the same method and rank",
    ],
    [
      "Results stay in the browser over a reload, until you choose *Forget all results*.",
      "page/kept > are there after a reload, with their files, until they are forgotten",
    ],
    [
      "*Keep* also makes a link or a file of the page: where the adapters come from, their names and weights, and all settings.",
      "page/kept > comes back from a link and from a file: settings, weights, and the adapters as they are opened",
    ],
    [
      "Neither holds a token or what is in an adapter, so adapters from your disk are opened again by hand.",
      "page/kept > names the files that only their owner can open again, and says what is wrong with a link that is cut off",
    ],
    [
      "Drop the file on the page to restore it.",
      "page/kept > comes back from a link and from a file: settings, weights, and the adapters as they are opened",
    ],
    [
      "Back and Forward lead from tab to tab, and the browser asks before opened adapters of your own are lost.",
      "page/kept > leads back to the tab before, and loses no opened adapter without a question",
    ],
    ["A link of `lora-lego ui` works only on this computer, while it runs; the file works anywhere.", EXPLAINS],
    [
      "The four views at three widths, in both schemes; `node tools/page/screenshots.mjs` makes these pictures.",
      EXPLAINS,
    ],
    [
      "Measured with seven adapters of 80 MB (all linear modules of Llama-2-7B's shape, rank 16) in Chromium 156 on two cores of an AMD EPYC, by `npm run bench:page`.",
      `${MEASURED}bench/page.mjs`,
    ],
    ["A merge by lego to rank 16 takes 5.4 s.", `${MEASURED}bench/page.mjs`],
    [
      "Reading the same bytes in slices alone takes 2.2 s there, and the command line takes 1.6 s to merge, so the page takes 1.40 times the two together.",
      `${MEASURED}bench/page.mjs`,
    ],
    ["Meanwhile the page's own thread had no task longer than 50 ms.", `${MEASURED}bench/page.mjs`],
    [
      "While k moves over 112 units, no task of it takes more than 50 ms of its processor time.",
      `${MEASURED}bench/page.mjs`,
    ],
    [
      "The plane is drawn 60 times a second while it is dragged, with 42 units as with 20,000, on the same machine at rest and without a graphics card (`bench/plane.mjs`).",
      `${MEASURED}bench/plane.mjs`,
    ],
    [
      "A frame takes 8 ms of a processor with 1000 units, 11 with 4096 (the most that a module may have here) and 14 with 20,000.",
      `${MEASURED}bench/plane.mjs`,
    ],
    [
      "With eight other programs for each of the two cores, 11 to 18 frames a second were drawn.",
      `${MEASURED}bench/plane.mjs`,
    ],
    ["Marks were SVG before, which took 155 ms a frame with 20,000 units.", `${MEASURED}bench/plane.mjs`],
    [
      "Adapters stay on disk and are read in slices.",
      "browser/handed-files > are read in slices: of large weights, the header when they are opened",
    ],
    [
      "A merge takes about 280 MB in addition to what the page already holds: 80 MB for the result, and most of the rest for the one input that is being hashed.",
      `${MEASURED}bench/page.mjs`,
    ],
    [
      "Browsers can only hash whole files; files above 128 MB are hashed in pieces, more slowly.",
      "browser/hash > of %i bytes is that of Node, whole and in pieces",
    ],
    ["The command line's peak is 149 MB.", `${MEASURED}bench/page.mjs`],
    [
      "Results are held in memory at their full size, the last six of them.",
      "page/shows > are kept side by side, the last six of them",
    ],
  ],
};
