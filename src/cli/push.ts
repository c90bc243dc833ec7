import { Command, Option } from "commander";
import { parsePath } from "./parse-flags.ts";
import { printLine } from "./terminal.ts";

/** `lora-lego push`: an adapter's folder to the Hugging Face Hub. */
export async function pushCommand(): Promise<Command> {
  return new Command("push")
    .description("upload an adapter to the Hugging Face Hub (needs HF_TOKEN)")
    .argument("<folder>", "folder of an adapter, as every merge writes one", parsePath)
    .argument("<owner/name>", "repository, made if it is not there")
    .option("--public", "make the repository public, where it is made")
    .addOption(new Option("--private", "make the repository private, where it is made").conflicts("public"))
    .addHelpText("after", "\nExample:\n  lora-lego push merged/ me/merged-lora --private")
    .action(async (folder: string, repo: string, flags: { public?: true; private?: true }) => {
      const { pushAdapter } = await import("../node/push-adapter.ts");
      const { url, files } = await pushAdapter(folder, repo, {
        ...((flags.private || flags.public) && { private: flags.private ?? false }),
      });
      printLine(`${url}: ${files.join(", ")}`);
    });
}
