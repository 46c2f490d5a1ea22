import { bundleParser, bundleWorker } from '../../scripts/bundle-worker.mjs';

/** Every test run starts from bundles made of the sources under test. */
export default async function setup(): Promise<void> {
  await bundleWorker();
  await bundleParser();
}
