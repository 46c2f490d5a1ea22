export function bundleWorker(outfile?: string): Promise<void>;
export function bundleParser(outfile?: string): Promise<void>;
