import { EXPLAINS, type PromisingText } from "./promises.ts";

/** Starting the page and opening adapters. */
export const OPENING: PromisingText["sentences"] = [
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
    "page/quality > explains in the glossary each figure and each sign of failure that it names",
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
    "page/first-view > is the example set drawn, three sentences, one large button, and nothing else to read",
    "page/first-view > lets k fall by itself once, not for long, and not for those who want less motion",
  ],
  [
    "*Open yours* shows all ways to open adapters, which take the example's place as soon as the first of them is open; *Explore the example* shows the rest of the page.",
    "page/first-view > is the example set drawn, three sentences, one large button, and nothing else to read",
    "page/first-view > gives way to adapters of one's own, which take the example's place",
    "page/first-view > stays where a file is no adapter, which it says, and makes room for the next one that is",
    "page/flows > goes from the example set to a merge whose files are the command line's, byte by byte",
  ],
  [
    "Drop folders or files anywhere on the page, pick them, name one on the Hugging Face Hub (read by range, not stored), or take the example set: seven adapters of [minibench](../examples/minibench).",
    "page/shows > comes of each adapter in a folder of folders that is dropped on the page",
    "page/flows > says what it cannot read in the command line's words, and keeps the rest",
    "page/flows > goes from the example set to a merge whose files are the command line's, byte by byte",
    "browser/explorer-opens > opens an adapter on the Hub by ranges, merges it, and pins its commit in the recipe",
  ],
  [
    "What is wrong with a name on the Hub is said beside its field, in the dialog, which closes once the adapter is open.",
    "page/flows > keeps the dialog open where an address of the Hub is wrong, with the reason beside its field, until it opens",
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
    "Weights and their config that come one after the other as single files make one adapter; those of a folder never join another's.",
    "state/adapters > makes one of %s, which were refused alone",
    "browser/dropped > make one, whichever comes first, with the name that one of them has",
    "browser/dropped > are not one where one of them came in a folder, which names another adapter",
  ],
  [
    "The page reads every format that the command line reads, and explains what it cannot read in the same words.",
    "page/flows > says what it cannot read in the command line's words, and keeps the rest",
    "browser/explorer-opens > says why a folder is not opened in the words of the command line",
    "browser/explorer-opens > opens every format that the command line reads",
  ],
  [
    "It also opens zip archives that store files as they are, such as its own; others are to be unpacked first.",
    "state/download > of the folder is opened again as the adapter that it holds",
    "browser/unzipped > is to be unpacked first where it is compressed, and is said to be damaged where it is cut off",
  ],
  [
    "GGUF adapters whose modules have llama.cpp's names are shown as they are; to merge them, drop or open their base model's config.json too, which the dialog then names as the one in use.",
    "browser/explorer-gguf > are refused before a merge while the base model's config is unknown, with the command that needs it",
    "browser/explorer-gguf > merge as the command line merges them once it is given, and are judged with it",
    "state/base-config > is asked for where modules have llama.cpp's names, and has these adapters read again",
  ],
  [
    "Programs are judged with it, and *Keep* keeps it.",
    "browser/explorer-gguf > merge as the command line merges them once it is given, and are judged with it",
    "state/base-config > is kept with the page",
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
];
