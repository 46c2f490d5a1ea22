import { bundleWorker } from '../../scripts/bundle-worker.mjs';

/** Every test run starts from a worker bundle made of the sources under test. */
export default async function setup(): Promise<void> {
  await bundleWorker();
}
