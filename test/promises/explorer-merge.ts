import type { PromisingText } from "./promises.ts";

/** The merge form and its results. */
export const MERGE: PromisingText["sentences"] = [
  [
    "Form and results each scroll by themselves on a wide screen, below the tabs and adapters.",
    "page/merge > scroll each by themselves, with tabs and adapters in view and no height left over",
  ],
  [
    "The form starts with [auto](methods/auto.md), which chooses the method by the number of adapters.",
    "views/merge-form > has no options where auto chooses the method, and says by what",
    "page/flows > merges by the method that auto chooses, unless another is chosen",
  ],
  [
    "An empty rank is filled with the one that the overview recommends for the method, and says so; empty the field for the method's own, which it then names.",
    "state/filled-form > fills an empty rank of auto, of the method that it is for, and of LEGO, until the field is emptied",
    "page/flows > merges by the method that auto chooses, unless another is chosen",
  ],
  [
    "A rank that you typed stays when you choose another method; one that was filled in goes with the method that it was for.",
    "state/filled-form > stays where it was typed, by whatever method",
    "state/filled-form > goes with the method that it was filled in for, be another one recommended or none",
    "state/filled-form > is the recommended one of the next method, whatever way led to the one before",
  ],
  [
    "A factor that came from a result's advice goes with the method that it was computed for.",
    "state/filled-form > goes with the method that it was computed for",
  ],
  [
    "Below 0 and above 10 the form says what a factor does.",
    "views/merge-form > says what a factor does that few merges need, and nothing of others",
  ],
  [
    "The programs that would not load what is merged of the open adapters cannot be chosen, and say why.",
    "views/merge-form > offers the programs that load the result, and says of the others why not",
    "browser/explorer-merges > knows which programs load what is merged before it is",
  ],
  [
    "It has every method with its options (folded), the rank, the program that will load the result, a factor for the delta, and a slider for each weight.",
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
    "Each field names its command line flag; sentences of the page name the field instead, and the field that a refusal is about opens by itself.",
    "views/said > names fields by their labels, also those of a method's options, and leaves other flags of the command line alone",
    "views/merge-form > shows the field that a refusal speaks of",
    "page/flows > refuses what the command line refuses before anything is merged",
  ],
  [
    "Before anything runs, the page shows what the merge would write, or why it is refused, as far as the headers tell.",
    "browser/explorer-merges > estimates the size that the merge has, and passes on refusals",
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
    "It says whether an adapter is lost, or acts far above the strength that it was trained at; what to try next, with buttons that do it; and how programs load the result, as the command line does.",
    "views/merge-view > is told in amber where an adapter acts far above its strength, and its bar is cut so that others are seen",
    "page/merge > ends with what the command line ends with: what is lost, what to try, which a button does, and how to load it",
  ],
  [
    "You can download a PEFT folder (zip, or written into a folder if the browser can do that), the single files, the recipe, and the report as JSON or as a page.",
    "page/flows > goes from the example set to a merge whose files are the command line's, byte by byte",
  ],
  [
    "For image models the first download is one .safetensors file, as `--out NAME.safetensors` writes it, because that is what their programs load.",
    "browser/explorer-merges > gives the merge of image adapters as the single file that their programs load, byte for byte",
    "state/download > is one file, which comes first, where the programs of an image model load that",
  ],
  [
    "The checks of `audit --of` follow in one line, which unfolds; they need the adapters open and are kept with the result.",
    "browser/explorer-merges > finds in a result what lora-lego audit finds, and whether the program that it is for loads it",
    "page/merge > ends with what the command line ends with: what is lost, what to try, which a button does, and how to load it",
    "page/kept > are there after a reload, with their files, until they are forgotten",
  ],
  [
    "A result's title and the names of its folder, its one file and its reports say what was asked for besides method and rank: factor, program, options and weights.",
    "browser/merge-title > tells merges apart by whatever differs, the folder's name too",
  ],
  [
    "The single files of the folder keep their names, which programs and the recipe's own comment call them by.",
    "state/download > of the %s is the merge's own file, under the name that programs and its own comment call it by",
  ],
  [
    "What to try next starts from the result that it stands under, and needs its adapters open; a result that is there already is shown instead.",
    "state/standing > stands beside it already, in whatever words it was asked for and in whatever order its adapters stood",
    "state/advised > changes the merge that it is about, whatever the form says now",
    "state/advised > is for no other adapters: of %s",
    "views/merge-view > offers no other merge while its adapters are not open, and says why",
  ],
  [
    "Adapters that must be brought to one size first are not changed by the page, which gives the command line instead.",
    "state/advised > is a command line where adapters have to change first",
  ],
  [
    "The last six results stand side by side, with how much of each adapter they hold and who is lost; the page says before a merge which results go for it.",
    "state/merge > makes room, and says before for how many which results go",
    "page/shows > are kept side by side, the last six of them",
    "page/merge > of the five best methods stands beside the others, in one scale, with what was measured",
    "state/merge > keeps the last six results, whose numbers go on",
  ],
  [
    "*Merge by the five best* adds the five methods that scored best in [what was measured](evidence.md), best first, and takes the next best for one whose result here loses every adapter; the merge with auto's method, factor and rank is marked.",
    "state/merge > by the best leaves out what loses every adapter, goes on with the next, and says so",
    "state/of-auto > at %s",
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
    "browser/explorer-merges > estimates the size that the merge has, and passes on refusals",
  ],
  [
    "The files are byte-identical to those that `lora-lego merge` writes for the same recipe.",
    "page/flows > goes from the example set to a merge whose files are the command line's, byte by byte",
    "browser/explorer-merges > merges to the bytes of lora-lego merge, all files of the folder",
  ],
  [
    "Drop what `lora-lego bench --json` printed on the page, and its accuracies are shown beside the figures.",
    "page/kept > are shown beside the figures of the merges of the same method and rank",
  ],
  [
    "A result shows the accuracy of the merge that is named like its method and has its rank.",
    "page/kept > are shown beside the figures of the merges of the same method and rank",
  ],
];
