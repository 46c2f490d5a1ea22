import type { FaultPlan } from './fault-plan.ts';

/** Which storage to open, as plain data that crosses to a worker. `openStorage` is its one reader. */
export type StorageSpec =
  | { readonly kind: 'node'; readonly directory: string }
  | { readonly kind: 'fault'; readonly directory: string; readonly plan: FaultPlan };
