import { Command, Option } from "commander";
import { parsePath } from "./parse-flags.ts";
import { printJson, printLine } from "./terminal.ts";

interface PushFlags {
  readonly public?: true;
  readonly private?: true;
  readonly json?: true;
  readonly quiet?: true;
}

/** `lora-lego push`: upload an adapter's folder to the Hugging Face Hub. */
export async function pushCommand(): Promise<Command> {
  return new Command("push")
    .description("upload an adapter to the Hugging Face Hub (needs HF_TOKEN)")
    .argument("<folder>", "folder of an adapter, such as a merge writes", parsePath)
    .argument("<owner/name>", "repository; created if it does not exist")
    .option("--public", "if the repository is created, make it public")
    .addOption(new Option("--private", "if the repository is created, make it private").conflicts("public"))
    .option("--json", "print what was uploaded as JSON on stdout")
    .option("-q, --quiet", "print errors alone")
    .addHelpText("after", "\nExample:\n  lora-lego push merged/ me/merged-lora --private")
    .action(async (folder: string, repo: string, flags: PushFlags) => {
      const { pushAdapter } = await import("../node/push-adapter.ts");
      const pushed = await pushAdapter(folder, repo, {
        ...((flags.private || flags.public) && { private: flags.private ?? false }),
      });
      if (flags.json) printJson(pushed);
      else if (!flags.quiet) printLine(`${pushed.url}: ${pushed.files.join(", ")}`);
    });
}
