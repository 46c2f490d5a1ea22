/** How calls are made: it decides more about a figure than the engine does, so that every figure names its mode. */

export type Mode =
  | { readonly kind: 'single' }
  | { readonly kind: 'in-flight'; readonly size: number }
  | { readonly kind: 'batch'; readonly size: number }
  | { readonly kind: 'sync' }
  | { readonly kind: 'await' }
  /** The workload has one way only. */
  | { readonly kind: 'only' };

/** What sets of modes a workload comes in. */
export type ModeSet = 'write' | 'read' | 'mixed' | 'only';

export const IN_FLIGHT = 64;

export function modeName(mode: Mode): string {
  switch (mode.kind) {
    case 'single':
      return 'one by one';
    case 'in-flight':
      return `${mode.size} in flight`;
    case 'batch':
      return `batches of ${count(mode.size)}`;
    case 'sync':
      return 'getSync';
    case 'await':
      return 'awaited get';
    case 'only':
      return '';
  }
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1`: awaited one by one; `64`: single calls, 64 in flight; any other number: awaited batches of so many. */
export function writeMode(batch: number): Mode {
  if (batch === 1) return { kind: 'single' };
  return batch === IN_FLIGHT ? { kind: 'in-flight', size: IN_FLIGHT } : { kind: 'batch', size: batch };
}

export function modesOf(
  set: ModeSet,
  batches: readonly number[],
  reads: readonly ('sync' | 'await')[],
): Mode[] {
  if (set === 'only') return [{ kind: 'only' }];
  if (set === 'read') return reads.map((kind) => ({ kind }));
  const modes = batches.map(writeMode);
  if (set === 'write') return modes;
  const mixed = modes.filter(({ kind }) => kind !== 'batch');
  return mixed.length > 0 ? mixed : [{ kind: 'single' }];
}
