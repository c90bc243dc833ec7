/**
 * A sentence of the command line in words of a page, to which nothing is passed: things are given, fields are chosen, and the config of a
 * base model is opened. What flags are called in the form is said by `Said`.
 */
export function pageWords(text: string): string {
  return text
    .replace(/\bpass ([^,;()]*?)(?: to the merge)? as --base-config(?: BASE\/config\.json)?\b/gi, "open $1 here")
    .replace(/, such as --base-config BASE\/config\.json/g, "")
    .replace(/, and this one with --base where a command takes it/g, "")
    .replace(/\bset HF_TOKEN(?: to (a token of that account))?/g, (_, whose = "a token") => `give ${whose}`)
    .replace(/\bHF_TOKEN\b/g, "token")
    .replace(/\bpass(?= --)/g, "choose")
    .replace(/\b(p|P)ass(ed|es|ing)?\b/g, (_, p: string, end = "") => (p === "P" ? "G" : "g") + GIVE[end]!);
}

const GIVE: Readonly<Record<string, string>> = { "": "ive", ed: "iven", es: "ives", ing: "iving" };
