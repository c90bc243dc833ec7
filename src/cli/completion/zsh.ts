import type { CompletedCommand, CompletedFlag, Values } from "./completed.ts";

/** A script for zsh, to evaluate or to keep as _lora-lego in a folder of $fpath. */
export function zshCompletion(commands: readonly CompletedCommand[]): string {
  const cases = commands.map(({ name, flags, values }) => {
    const specs = [...flags.map(flagSpec), quoted(`*:argument:${action(values)}`)];
    return `    ${name}) _arguments -s ${specs.join(" ")} ;;`;
  });
  return `#compdef lora-lego
# Completion of lora-lego for zsh: eval "$(lora-lego completion zsh)" after compinit
_lora-lego() {
  local -a commands
  commands=(
${commands.map(({ name, help }) => `    ${quoted(`${name}:${help.replaceAll(":", String.raw`\:`)}`)}`).join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
${cases.join("\n")}
  esac
}
if [[ \${funcstack[1]} == _lora-lego ]]; then _lora-lego "$@"; else compdef _lora-lego lora-lego; fi
`;
}

/** A flag under all its names, which exclude each other unless it may be given again. */
function flagSpec({ names, help, values }: CompletedFlag): string {
  const again = help.includes("(repeatable)");
  const others = again ? "*" : `(${names.join(" ")})`;
  const what = `[${help.replace(/[[\]\\]/g, String.raw`\$&`).replaceAll(":", String.raw`\:`)}]`;
  const value = values === null ? "" : `:value:${action(values)}`;
  return names.map((name) => quoted(`${others}${name}${what}${value}`)).join(" ");
}

function action(values: Values): string {
  if (values === "files") return "_files";
  return values === "unknown" ? " " : `(${values.join(" ")})`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
