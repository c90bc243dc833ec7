import type { CompletedCommand, Values } from "./completed.ts";

/** A script for bash 3.2 and newer. Where it offers nothing, bash completes files. */
export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const values = commands.flatMap(({ name, flags }) =>
    flags.flatMap(({ names, values }) =>
      values === null ? [] : [`    ${names.map((flag) => `"${name} ${flag}"`).join("|")}) ${offered(values)} ;;`],
    ),
  );
  const flags = commands.map(({ name, flags, values }) => {
    const words = flags.flatMap(({ names }) => names).join(" ");
    const others = typeof values === "string" ? "" : values.join(" ");
    return `    ${name}) if [[ $cur == -* ]]; then words="${words}"; else words="${others}"; fi ;;`;
  });
  return `# Completion of lora-lego for bash: eval "$(lora-lego completion bash)"
_lora_lego() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" flag="\${COMP_WORDS[COMP_CWORD-1]}" words=""
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")}" -- "$cur"))
    return
  fi
  # bash makes three words of --flag=value.
  if [[ $cur == "=" ]]; then cur=""; elif [[ $flag == "=" ]]; then flag="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  case "\${COMP_WORDS[1]} $flag" in
${values.join("\n")}
  esac
  case "\${COMP_WORDS[1]}" in
${flags.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _lora_lego lora-lego
`;
}

function offered(values: Values): string {
  return typeof values === "string" ? "return" : `COMPREPLY=($(compgen -W "${values.join(" ")}" -- "$cur")); return`;
}
