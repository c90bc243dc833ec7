import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { type ConsumerId, consumerById } from "../../src/adapter/consumers.ts";
import { checkOpened } from "../../src/analysis/check.ts";
import { fails, type Mend } from "../../src/analysis/checks/finding.ts";
import { type Mended, mendingCommand } from "../../src/analysis/checks/mending-command.ts";
import { filled } from "../support/memory-folder.ts";
import { openFile } from "../support/open-file.ts";
import { openPico, type PicoAdapter, randomAdapter } from "../support/pico.ts";

const PROJECTION = "model.layers.0.self_attn.q_proj";
const free = (path: string): string => `${path}+`;
const language = (own: Partial<PicoAdapter> = {}, rank = 7): Promise<Adapter> => {
  const random = randomAdapter(1, { rank, modules: { [PROJECTION]: { in: 20, out: 30 } } });
  return openPico("a", { ...random, ...own });
};

/** What mends all that a check finds. */
function mended(adapter: Adapter, id: ConsumerId, odd: string | null = null): Promise<Mended | null> {
  const { findings } = checkOpened(adapter, consumerById(id), null, odd);
  return mendingCommand(adapter, consumerById(id), findings, { path: "a" }, free);
}

describe("the command that mends what a check finds", () => {
  const head = { "base_model.model.score.weight": [[1, 2]] };

  it("is one for all of it", async () => {
    const both = await language({ extras: head });
    expect(checkOpened(both, consumerById("tgi")).findings.map(({ mend }) => mend)).toEqual([
      { fitted: true },
      { to: "peft", extras: "drop" },
    ]);
    expect(await mended(both, "tgi")).toEqual({
      command: "lora-lego merge a --method cat --for tgi --extras drop --out a+",
      note: null,
    });
    expect(await mended(await language(), "vllm")).toBeNull();
  });

  it("leaves out what it cannot write, and says so where no finding does", async () => {
    const cut: Mend = { fitted: true };
    const adapter = await language({ extras: head });
    const found = await mendingCommand(adapter, consumerById("tgi"), [fails("its rank", cut)], { path: "a" }, free);
    expect(found).toEqual({
      command: "lora-lego merge a --method cat --for tgi --extras drop --out a+",
      note: "Its tensors besides the factors are left out then, if the task does not need them.",
    });
  });

  it("is none beside what no command mends, which comes first", async () => {
    const adapter = await language({ extras: head });
    const { findings } = checkOpened(adapter, consumerById("tgi"), null, "x.lora_A");
    expect(findings[0]!.text).toContain("the tensor x.lora_A holds NaN or infinite values");
    expect(findings).toHaveLength(3);
    expect(await mended(adapter, "tgi", "x.lora_A")).toBeNull();
    // Nothing shows the size of v.
    expect(await mended(await language(), "sglang")).toBeNull();
  });

  it("is none where the adapter refuses it, with the reason", async () => {
    const magnitude = { [`base_model.model.${PROJECTION}.lora_magnitude_vector`]: Array<number>(30).fill(1) };
    const dora = await language({ extras: magnitude });
    const found = await mendingCommand(
      dora,
      consumerById("tgi"),
      [fails("its rank", { fitted: true })],
      { path: "a" },
      free,
    );
    expect(found).toEqual({ command: null, note: expect.stringMatching(/^a .*DoRA/) });
  });

  it("adds the adapter to its base where the program takes no LoRA there, whatever else is found", async () => {
    const adapter = await language({ extras: head });
    const findings = [fails("no LoRA", { fused: true }), fails("its head", { extras: "drop" })];
    const command = async (base?: string) => {
      const paths = { path: "x/a.safetensors", ...(base !== undefined && { base }) };
      return (await mendingCommand(adapter, consumerById("vllm"), findings, paths, free))!.command;
    };
    const fuse = "lora-lego fuse x/a.safetensors --base";
    expect(await command()).toBe(`${fuse} BASE --out x/a-fused+`);
    const { note } = (await mendingCommand(adapter, consumerById("vllm"), findings, { path: "a" }, free))!;
    expect(note).toMatch(/where that has none, --extras drop leaves them out\.$/);
    expect(await command("my base")).toBe(`${fuse} 'my base' --out x/a-fused+`);
    // A base that fuse does not read.
    for (const base of ["base.gguf", "hf://acme/base"]) {
      expect(await command(base)).toBe(`${fuse} BASE --out x/a-fused+`);
    }
    expect(
      await mendingCommand(adapter, consumerById("vllm"), [...findings, fails("NaN")], { path: "a" }, free),
    ).toBeNull();
  });

  it("names the base's config where names or experts depend on it, and the base where deltas do", async () => {
    const adapter = await language();
    expect((await mended(adapter, "llamacpp"))!.command).toBe(
      "lora-lego convert a --to gguf --base-config BASE/config.json --out a.gguf+",
    );
    expect((await mended(adapter, "mlx"))!.command).toBe("lora-lego convert a --to mlx --out a+");
    // What mlx-lm calls the modules of GPT-2, and how many experts a layer has, depends on the base.
    for (const name of ["transformer.h.0.attn.c_attn", "model.layers.0.block_sparse_moe.experts.0.w1"]) {
      const own = await openPico("a", randomAdapter(1, { modules: { [name]: { in: 6, out: 5 } } }));
      const { command } = (await mended(own, "mlx"))!;
      expect(command).toBe("lora-lego convert a --to mlx --base-config BASE/config.json --out a+");
    }
    const based = [fails("x", { to: "peft", onBase: true })];
    const command = async (paths: { base?: string; baseConfig?: string }, id: "vllm" | "llamacpp" = "llamacpp") => {
      const findings = id === "vllm" ? based : [fails("x", { to: "gguf" })];
      return (await mendingCommand(adapter, consumerById(id), findings, { path: "a", ...paths }, free))!.command;
    };
    expect(await command({}, "vllm")).toBe("lora-lego convert a --to peft --base BASE --out a+");
    expect(await command({ base: "my base" }, "vllm")).toBe("lora-lego convert a --to peft --base 'my base' --out a+");
    // The config that was named, or the one in the base's folder.
    const config = "lora-lego convert a --to gguf --base-config";
    expect(await command({ base: "base", baseConfig: "other.json" })).toBe(`${config} other.json --out a.gguf+`);
    expect(await command({ base: "base" })).toBe(`${config} base --out a.gguf+`);
    expect(await command({ base: "base/model.safetensors" })).toBe(`${config} BASE/config.json --out a.gguf+`);
  });
});

describe("its output", () => {
  const CUT: Mend = { rank: 4 };

  it.each([
    [
      { to: "gguf" },
      "my adapters/a/",
      "convert 'my adapters/a/' --to gguf --base-config BASE/config.json --out 'my adapters/a.gguf+'",
    ],
    [{ to: "mlx" }, "a", "convert a --to mlx --out a+"],
    [CUT, "hf://me/mine@v1/sub", "resize hf://me/mine@v1/sub --rank 4 --out sub+"],
    [CUT, "x/adapter_model.safetensors", "resize x/adapter_model.safetensors --rank 4 --out x+"],
    [
      CUT,
      "hf://me/mine@v1/adapter_model.safetensors",
      "resize hf://me/mine@v1/adapter_model.safetensors --rank 4 --out mine+",
    ],
    [CUT, "https://host/x/mine", "resize https://host/x/mine --rank 4 --out mine+"],
    [CUT, "http://host/x/lora.safetensors", "resize http://host/x/lora.safetensors --rank 4 --out lora+"],
    [CUT, "lora.safetensors", "resize lora.safetensors --rank 4 --out lora+"],
    [{ ...CUT, exclude: "a.**" }, "a", "merge a --rank 4 --exclude 'a.**' --out a+"],
    [{ rankLayout: "uniform" }, "a", "merge a --method cat --rank-layout uniform --out a+"],
  ] as const)("%j of %s: %s", async (mend: Mend, path, command) => {
    const found = await mendingCommand(await language(), consumerById("vllm"), [fails("x", mend)], { path }, free);
    expect(found!.command).toBe(`lora-lego ${command}`);
  });

  it("is a file for a file of an image model", async () => {
    const shapes = { "lora_unet_x.lora_down.weight": [5, 20], "lora_unet_x.lora_up.weight": [30, 5] };
    const image = await openFile(Object.entries(shapes).map(([key, shape]) => filled(key, shape)));
    const found = await mendingCommand(
      image,
      consumerById("comfyui"),
      [fails("x", CUT)],
      { path: "x/l.safetensors" },
      free,
    );
    expect(found!.command).toBe("lora-lego resize x/l.safetensors --rank 4 --out x/l.safetensors+");
  });
});
