import { EXPLAINS, type PromisingText } from "./promises.ts";

/** The overview and a module. */
export const VIEWS: PromisingText["sentences"] = [
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
    "browser/explorer-shows > looks at every module: norms and effective ranks as inspect gives them, similar to itself, purity a share",
  ],
  [
    "**delta norm**: the Frobenius norm of s B A",
    "browser/explorer-shows > looks at every module: norms and effective ranks as inspect gives them, similar to itself, purity a share",
  ],
  [
    "**effective rank**: how many singular values the delta really uses",
    "browser/explorer-shows > looks at every module: norms and effective ranks as inspect gives them, similar to itself, purity a share",
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
    "browser/explorer-shows > clusters again for purity what was read before all adapters were known",
    "browser/explorer-shows > looks at every module: norms and effective ranks as inspect gives them, similar to itself, purity a share",
    "browser/explorer-shows > clusters for purity at the rank where a module's k begins",
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
    "browser/explorer-shows > looks at each adapter alone where a module has too many units to compare, and refuses to show that module",
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
    "browser/explorer-shows > shows a module's units in a plane, and any k of its clusters",
  ],
  [
    "Colour and shape show the adapter; outlines show the clusters, in the mixture of their adapters' colours.",
    "page/plane > colours an outline by the adapters in it",
    "page/shows > draws units, hulls, curves, cosines, singular values and clusters, which follow k",
  ],
  [
    "Choose units to see their lengths, cluster and similarity; the arrow keys go through them by adapter.",
    "page/flows > clusters anew as k moves, and shows what a unit is",
    "page/quality > is worked by keyboard alone",
  ],
  [
    "The unit under the pointer and the one that has the focus show their names, which screen readers read.",
    "page/plane > draws the focus on the mark, where it covers no neighbour, with the unit's name",
    "page/plane > names the unit under the pointer, and chooses what is pressed",
  ],
  [
    "Buttons, the keys + - 0, a wheel with Ctrl and pinching zoom; dragging moves what is zoomed.",
    "page/plane > zooms by buttons and keys, moves when it is dragged, and goes back",
  ],
  [
    "All adapters count equally here, whatever their weights in a merge.",
    "page/shows > weighs all adapters alike, whatever they weigh in a merge",
  ],
  [
    "**k** sets the number of clusters, which is the rank of the result; everything follows at once, because the Gram matrices stay in memory.",
    "page/shows > draws units, hulls, curves, cosines, singular values and clusters, which follow k",
    "browser/explorer-shows > clusters alike whatever was clustered before, in every gauge, sign and metric",
  ],
  [
    "Outlines grow and shrink as units change clusters, unless you asked your system for less motion.",
    "page/plane > regroups in steps, or at once for those who want less motion",
  ],
  [
    "It begins at the rank that is recommended for LEGO, which is marked on the curves; *Use this k* fills the merge form with LEGO at k.",
    "state/filled-form > is where the module's k begins, and not where that of the first view was",
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
];
