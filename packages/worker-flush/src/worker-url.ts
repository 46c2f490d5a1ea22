/** The bundled worker. `src/` and `dist/` lie side by side, so that this is right from either. */
export const flushWorkerUrl: URL = new URL('../dist/flush.worker.mjs', import.meta.url);
