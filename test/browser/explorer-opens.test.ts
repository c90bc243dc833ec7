import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { HandedFolder } from "../../src/browser/handed-files.ts";
import { convertAdapter } from "../../src/node/convert-adapter.ts";
import { minibench } from "../support/minibench.ts";
import { MockHub } from "../support/mock-hub.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { checkpoint, dict, storage, tensor } from "../support/torch.ts";
import { explorer, handed } from "./explorer.ts";

const folder = tempFolder();

describe("the explorer", () => {
  it("opens an adapter on the Hub by ranges, merges it, and pins its commit in the recipe", async () => {
    const files = Object.fromEntries(
      readdirSync(minibench("cola")).map((file) => [file, readFileSync(join(minibench("cola"), file))]),
    );
    const hub = await MockHub.start({ "owner/cola": { files, large: ["adapter_model.safetensors"] } });
    try {
      const page = explorer();
      const card = await page.openHub("hf://owner/cola", { endpoint: hub.endpoint, token: null });
      expect(card).toMatchObject({ name: "owner/cola", modules: 28, ranks: [6] });
      const made = await page.merge([{ id: card.id, name: "cola", weight: 1 }], { method: "lego" }, () => {});
      const weights = "adapter_model.safetensors";
      expect(files[weights]!.equals(made.files[weights]!)).toBe(true);
      const recipe = new TextDecoder().decode(made.files["recipe.yaml"]);
      expect(recipe).toContain(`hf://owner/cola@${MockHub.commitOf("owner/cola")}`);
    } finally {
      hub.stop();
    }
  });

  it("opens every format that the command line reads", async () => {
    const peft = minibench("cola");
    const baseConfig = join(peft, "../../base/config.json");
    const targets = { mlx: "mlx", kohya: "kohya.safetensors", gguf: "cola.gguf" };
    const handedOf = (path: string): HandedFolder => {
      const file = { blob: new Blob([readFileSync(path)]) };
      return { name: "cola", files: { [basename(path)]: file }, folders: [] };
    };
    const factor = (rows: number, columns: number) =>
      tensor({ storage: storage("0", rows * columns), size: [rows, columns], stride: [columns, 1] });
    const key = (half: string): string => `base_model.model.q.lora_${half}.weight`;
    const torch = checkpoint(dict({ [key("A")]: factor(2, 4), [key("B")]: factor(4, 2) }), 4 * 8);
    const handedFolders: Record<string, HandedFolder> = {
      peft: handed(peft, "cola"),
      "peft, of torch": {
        name: "cola",
        folders: [],
        files: {
          "adapter_config.json": {
            blob: new Blob(['{ "peft_type": "LORA", "r": 2, "lora_alpha": 2, "target_modules": ["q"] }']),
          },
          "adapter_model.bin": { blob: new Blob([torch.slice()]) },
        },
      },
    };
    const unet = { "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q": { in: 4, out: 4 } };
    const image = writeAdapter(join(folder, "formats", "image"), randomAdapter(7, { modules: unet }));
    for (const [to, name] of Object.entries(targets) as [keyof typeof targets, string][]) {
      const out = join(folder, "formats", name);
      await convertAdapter(to === "kohya" ? image : peft, { to, out, ...(to === "gguf" && { baseConfig }) });
      handedFolders[to] = to === "mlx" ? handed(out, "cola") : handedOf(out);
    }
    const cards = await Promise.all(Object.values(handedFolders).map((each) => explorer().open(each)));
    const found = Object.keys(handedFolders).map((format, i) => [format, cards[i]!.format, cards[i]!.modules]);
    expect(found).toEqual([
      ["peft", "peft", 28],
      ["peft, of torch", "peft", 1],
      ["mlx", "mlx", 28],
      ["kohya", "kohya", 1],
      ["gguf", "gguf", 28],
    ]);
  });

  it("says why a folder is not opened in the words of the command line", async () => {
    const empty = { name: "nothing", files: {}, folders: [] };
    await expect(explorer().open(empty)).rejects.toThrow("nothing holds no adapter: expected adapter_config.json");
  });
});
