/** Metrics of a store for Prometheus, by prom-client. */
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { Registry } from 'prom-client';
import { checkCallOptions, nameOf, type OptionKinds } from '../options/call-options.ts';
import { type Client, Exporter } from './exporter.ts';
import { loadClient } from './load-client.ts';
import { HISTOGRAMS, METRICS } from './metric-list.ts';
import type { ObservedStore } from './store-observer.ts';

export type { ObservedStore } from './store-observer.ts';

export interface CollectOptions {
  /** Where the metrics are. Default: the global one of prom-client. */
  readonly register?: Registry;
  /** Before the name of each metric. Default `arena_level_`. */
  readonly prefix?: string;
  /** Labels of every series of this store; stores of one register have the same names of labels. Default `{ store: location }`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** prom-client itself, where it cannot be found from here (bundlers). */
  readonly client?: Client;
}

const COLLECT_OPTIONS: OptionKinds = {
  register: {
    fits: (value) => typeof (value as Registry | null)?.registerMetric === 'function',
    wanted: 'a Registry of prom-client',
  },
  prefix: {
    fits: (value) => typeof value === 'string' && /^[a-zA-Z_:][\w:]*$/.test(value),
    wanted: 'the beginning of a metric name',
  },
  labels: {
    fits: (value) =>
      typeof value === 'object' &&
      value !== null &&
      Object.entries(value).every(([name, of]) => /^[a-zA-Z_]\w*$/.test(name) && typeof of === 'string'),
    wanted: 'an object of strings, whose names are label names',
  },
  client: {
    fits: (value) => typeof (value as Client | null)?.Counter === 'function',
    wanted: 'the module prom-client',
  },
};

const DEFAULT_PREFIX = 'arena_level_';

/** Labels that metrics have of their own. */
const OWN_LABELS: ReadonlySet<string> = new Set(
  ['le', ...METRICS.map(({ label }) => label), ...Object.values(HISTOGRAMS).map((spec) => spec.label)].filter(
    (label) => label !== undefined,
  ),
);

const EXPORTERS = new WeakMap<Registry, Map<string, Exporter>>();

/**
 * Puts the metrics of a store on a register, until it is closed or the function that is returned is called; with the last
 * store they go. To hear of everything call it right after the open: durations and errors before it are not seen.
 *
 * Throws LEVEL_NOT_SUPPORTED where prom-client is not installed, and ARENA_INVALID_ARGUMENT for wrong options, labels that
 * another store has already, and names that something else has registered.
 */
export function collect(store: ObservedStore, options: CollectOptions = {}): () => void {
  if (typeof (store as ObservedStore | null)?.stats !== 'function' || typeof store.on !== 'function') {
    throw new EngineError(ErrorCode.InvalidArgument, `metrics are of an open store, not of ${nameOf(store)}`);
  }
  checkCallOptions('collect', options, COLLECT_OPTIONS);
  const labels = labelsOf(store, options);
  const client = options.client ?? loadClient();
  const exporter = exporterOf(
    client,
    options.register ?? client.register,
    options.prefix ?? DEFAULT_PREFIX,
    labels,
  );
  return exporter.add(store, labels);
}

function labelsOf(store: ObservedStore, options: CollectOptions): Readonly<Record<string, string>> {
  if (options.labels === undefined) {
    if (store.location !== undefined) return { store: store.location };
    throw new EngineError(
      ErrorCode.InvalidArgument,
      "collect option 'labels' is needed: the store has no location",
    );
  }
  const taken = Object.keys(options.labels).find((name) => OWN_LABELS.has(name));
  if (taken === undefined) return { ...options.labels };
  throw new EngineError(ErrorCode.InvalidArgument, `label '${taken}' is one of the metrics' own`);
}

function exporterOf(
  client: Client,
  register: Registry,
  prefix: string,
  labels: Readonly<Record<string, string>>,
): Exporter {
  let ofRegister = EXPORTERS.get(register);
  if (ofRegister === undefined) {
    ofRegister = new Map();
    EXPORTERS.set(register, ofRegister);
  }
  const names = Object.keys(labels).sort();
  const known = ofRegister.get(prefix);
  if (known?.isRegistered === true) {
    if (known.labelNames.join() === names.join()) return known;
    throw new EngineError(
      ErrorCode.InvalidArgument,
      `stores on this register have the labels ${known.labelNames.join(', ')}, not ${names.join(', ')}`,
    );
  }
  const exporter = new Exporter(client, register, prefix, names, () => {
    if (ofRegister.get(prefix) === exporter) ofRegister.delete(prefix);
  });
  ofRegister.set(prefix, exporter);
  return exporter;
}
