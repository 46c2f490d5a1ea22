import type { TableOptions } from '@arena-level/common/table/table-options';
import type { ResolvedOptions } from './options.ts';

/** How the tables of a level are built. */
export function tableOptions(options: ResolvedOptions, level: number): TableOptions {
  return {
    blockBytes: options.blockBytes,
    restartInterval: options.restartInterval,
    bloomBitsPerKey: options.bloomBitsPerKey,
    compression: options.compression[level]!,
  };
}
