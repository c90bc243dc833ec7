import { EXPLAINS, MEASURED, type PromisingText } from "./promises.ts";

/** Keeping a page, its screens, speed and memory. */
export const REST: PromisingText["sentences"] = [
  [
    "Results and what the form of a merge says stay in the browser over a reload, until you choose *Forget results and form*, which asks first.",
    "page/kept > is as it was left after a reload, weights too, until it is forgotten",
    "page/kept > are there after a reload, with their files, until they are forgotten",
  ],
  [
    "A weight comes back with the very adapter that had it, whenever that is opened.",
    "state/kept-form > comes back with the weight of the very adapter that had it, whenever that is opened",
  ],
  [
    "*Keep* also makes a link or a file of the page: where the adapters come from, their names and weights, the base model's config, and all settings.",
    "page/kept > comes back from a link and from a file: settings, weights, and the adapters as they are opened",
    "state/base-config > is kept with the page",
  ],
  [
    "Neither holds a token or what is in an adapter, so adapters from your disk are opened again by hand.",
    "page/kept > names the files that only their owner can open again, and says what is wrong with a link that is cut off",
  ],
  [
    "Each takes its name and weight back once; folders of one name are told apart by a short hash of their files.",
    "state/restored > each take one name and weight, by their files where several have one source",
    "state/restored > are saved with what tells their files from others",
    "browser/fingerprint > tells files by their sizes and their last bytes",
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
];
