import type { Adapter } from "../../src/adapter/adapter.ts";
import type { AdapterText } from "../../src/adapter/dialect.ts";
import { writeConversion } from "../../src/convert/write-conversion.ts";
import { memorySink } from "../../src/core/bytes.ts";
import { loadedWriter } from "./writers.ts";

/** The files of an adapter in another format, by their names. */
export async function written(
  adapter: Adapter,
  to: string,
  base: AdapterText | null = null,
): Promise<Record<string, Uint8Array | string>> {
  const conversion = loadedWriter(to).convert(adapter, base);
  const sink = memorySink(conversion.layout.size);
  await writeConversion(adapter, conversion, sink);
  const { config, weightsFile } = conversion;
  return { [weightsFile]: sink.bytes, ...(config !== null && { [config.file]: JSON.stringify(config.fields) }) };
}
