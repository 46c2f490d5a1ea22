/**
 * The bundled worker. `src/` and `dist/` lie side by side, so that this is right from either. In an application that was
 * bundled it names no file, and a CommonJS bundle has no URL of its own at all.
 */
export const flushWorkerUrl: URL = new URL('../dist/flush.worker.mjs', import.meta.url ?? 'file:///');
