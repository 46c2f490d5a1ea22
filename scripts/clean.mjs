// Removes build output; node_modules stays.
import { rmSync } from 'node:fs';

for (const folder of ['packages/common', 'packages/worker-flush', 'packages/engine', 'bench']) {
  rmSync(new URL(`../${folder}/dist`, import.meta.url), { recursive: true, force: true });
}
