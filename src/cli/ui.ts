import { Command } from "commander";
import { adaptersAmong } from "./adapter-paths.ts";
import { openBrowser } from "./browser.ts";
import { collectPath, parsePort } from "./parse-flags.ts";
import { printLine } from "./terminal.ts";

interface UiFlags {
  readonly port?: number;
  readonly open: boolean;
}

/** `lora-lego ui`: the explorer in the browser. */
export function uiCommand(): Command {
  return new Command("ui")
    .description("explore and merge adapters in the browser, served on this machine only")
    .argument("[adapter...]", "folders or files of adapters to open at the start", collectPath)
    .option("--port <n>", "port on 127.0.0.1 (default: a free one)", parsePort)
    .option("--no-open", "do not open the browser")
    .addHelpText(
      "after",
      `
Examples:
  lora-lego ui
  lora-lego ui math/ med/ --port 8080 --no-open`,
    )
    .action(async (adapters: string[], { port, open }: UiFlags) => {
      const { servePage } = await import("../node/ui/ui-server.ts");
      const opened = await adaptersAmong(adapters);
      const { url, ticket, close } = await servePage({ adapters: opened, ...(port !== undefined && { port }) });
      printLine(`The explorer is at ${url} (Ctrl-C stops it).`);
      if (opened.length === 0) {
        printLine("No adapter was named: choose files there, or name folders (lora-lego ui math/ med/).");
      }
      if (open) openBrowser(ticket());
      process.once("SIGINT", () => void close());
      process.once("SIGTERM", () => void close());
    });
}
