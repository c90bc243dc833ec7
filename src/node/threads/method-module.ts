import { UsageError } from "../../core/errors.ts";
import { methodById } from "../../methods/registry.ts";

/**
 * Import the module that registers a method from outside, on a worker thread.
 *
 * @throws UsageError if it cannot be imported, or does not register the method with this copy of lora-lego
 */
export async function importMethod(id: string, module: string): Promise<void> {
  try {
    await import(module);
  } catch (error) {
    throw new UsageError(
      `A worker thread cannot import ${module}, which registers the method ${id} (${(error as Error).message}); correct the module, or register the method without one to merge on one thread.`,
    );
  }
  try {
    methodById(id);
  } catch {
    throw new UsageError(
      `A worker thread imported ${module}, but that registered no method "${id}"; call registerMethod while the module is imported, by the lora-lego that merges.`,
    );
  }
}
