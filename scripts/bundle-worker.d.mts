export function bundleWorker(): Promise<void>;
