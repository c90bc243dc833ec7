import { type Consumer, type ConsumerId, consumerById } from "../adapter/consumers.ts";
import type { BaseFacts } from "../analysis/base-facts.ts";
import { type Check, checkOpened, isGood } from "../analysis/check.ts";
import { type Mended, mendingCommand, type NamedPaths } from "../analysis/checks/mending-command.ts";
import { notFinite } from "../analysis/checks/values.ts";
import { withoutSecrets } from "../remote/web/web-path.ts";
import { type Call, checkCall } from "./call/check-call.ts";
import { CONSUMER, PATH } from "./call/rules.ts";
import { diskAdapter, INPUT, type NamedOptions, type OpenOptions } from "./input/adapter-path.ts";
import { type BasePaths, openBase } from "./input/open-base.ts";
import { unusedNames } from "./output/free-name.ts";

/** What to check an adapter for, and what is known about its base model. */
export interface CheckOptions extends BasePaths, Pick<OpenOptions, "settings" | "onDownload" | "signal" | "stream"> {
  /** The program that will load the adapter. */
  readonly for: ConsumerId;
}

const CHECK: Call<CheckOptions> = {
  name: "checkAdapter",
  takes: { path: PATH },
  options: { ...INPUT, for: { ...CONSUMER, needed: true }, base: PATH, baseConfig: PATH },
};

/** A check of one adapter for one program. */
export interface CheckedAdapter extends Check {
  /** The adapter's name. */
  readonly name: string;
  readonly for: ConsumerId;
  /** The version of the program that the findings apply to. */
  readonly version: string;
  /** Whether nothing was found that keeps the adapter from loading with the same meaning. */
  readonly good: boolean;
  /** How to mend all that was found; null if nothing was, or something that no command mends. */
  readonly mended: Mended | null;
}

/**
 * Say whether a program loads the adapter at a path, and whether it means the same there. Headers and configs are compared; values are read to
 * see whether they are finite, but not of adapters that are streamed from the Hub.
 *
 * @param path a folder, a file in one, or a path on the Hub
 * @throws UsageError for an unknown program or a base that does not exist; FormatError or RefusedError for files that cannot be read
 * @example
 * ```ts
 * import { checkAdapter } from "lora-lego/node";
 *
 * const { good, findings } = await checkAdapter("adapters/sort", { for: "vllm", base: "base" });
 * console.log(good, findings.length); // true 1
 * ```
 */
export async function checkAdapter(path: string, options: CheckOptions): Promise<CheckedAdapter> {
  checkCall(CHECK, [path, options]);
  const { for: id, base, baseConfig, ...opening } = options;
  const paths = { ...(base !== undefined && { base }), ...(baseConfig !== undefined && { baseConfig }) };
  const [checked] = await checkPath({ path, ...paths }, [consumerById(id)], await openBase(paths, opening), opening);
  return checked!;
}

/** `checkAdapter` for several programs, with a base that is already open, so that several adapters share it. */
export async function checkPath(
  given: NamedPaths,
  consumers: readonly Consumer[],
  base: BaseFacts | null,
  options: NamedOptions,
): Promise<CheckedAdapter[]> {
  const paths = { ...given, path: withoutSecrets(given.path) };
  const { adapter, close } = await diskAdapter(paths.path, options);
  try {
    const tensor = options.stream ? null : await notFinite(adapter);
    const beside = options.stream ? ["whether all values are finite, because only headers were read"] : [];
    const checked: CheckedAdapter[] = [];
    const free = freeForEach();
    for (const consumer of consumers) {
      const check = checkOpened(adapter, consumer, base, tensor);
      checked.push({
        name: adapter.name,
        for: consumer.id,
        version: consumer.version,
        good: isGood(check),
        findings: check.findings,
        unseen: [...check.unseen, ...beside],
        undecided: check.undecided,
        mended: await mendingCommand(adapter, consumer, check.findings, paths, free),
      });
    }
    return checked;
  } finally {
    close();
  }
}

/** Names a place for what each command writes: the same to the same command. */
function freeForEach(): (path: string, command: string) => string {
  const free = unusedNames();
  const places = new Map<string, string>();
  return (path, command) => {
    const place = places.get(command) ?? free(path);
    places.set(command, place);
    return place;
  };
}
