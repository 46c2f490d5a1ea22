/**
 * A module of the engine that it does not export, for measuring a part of it alone. Takes the path below its `src`,
 * and the type by `typeof import(...)`; loads the compiled module.
 */
export async function engineModule<T>(path: string): Promise<T> {
  return (await import(new URL(`../../../packages/engine/dist/${path}.js`, import.meta.url).href)) as T;
}
