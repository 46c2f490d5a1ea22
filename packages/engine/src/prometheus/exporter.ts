/**
 * The metrics of one prefix on one register, and the stores that they are read from. A metric exists once, whatever the number
 * of stores, which differ in the values of their labels. It is filled anew at each scrape; durations alone are gathered
 * as they come.
 */
import { EngineError, ErrorCode, messageOf } from '@arena-level/common/base/errors';
import type * as PromClient from 'prom-client';
import type { StoreStats } from '../public/stats.ts';
import {
  HISTOGRAMS,
  type HistogramName,
  type HistogramSpec,
  METRICS,
  type MetricSpec,
} from './metric-list.ts';
import { type ObservedStore, StoreObserver } from './store-observer.ts';

export type Client = typeof PromClient;
type Labels = Readonly<Record<string, string>>;

interface Source {
  readonly labels: Labels;
  readonly observer: StoreObserver;
  /** Label sets of its histograms, to be removed with it. */
  readonly observed: Map<string, readonly [HistogramName, Labels]>;
  /** Of the scrape that is under way. */
  stats: StoreStats | undefined;
}

export class Exporter {
  readonly labelNames: readonly string[];
  readonly #register: PromClient.Registry;
  readonly #names: string[] = [];
  readonly #histograms = new Map<HistogramName, PromClient.Histogram>();
  readonly #sources = new Map<string, Source>();
  readonly #onEmpty: () => void;

  /** `onEmpty`: the last store has gone, and the metrics with it. */
  constructor(
    client: Client,
    register: PromClient.Registry,
    prefix: string,
    labelNames: readonly string[],
    onEmpty: () => void,
  ) {
    this.#register = register;
    this.labelNames = labelNames;
    this.#onEmpty = onEmpty;
    try {
      for (const spec of METRICS) this.#addMetric(client, prefix, spec);
      for (const [name, spec] of Object.entries(HISTOGRAMS))
        this.#addHistogram(client, prefix, name as HistogramName, spec);
    } catch (error) {
      this.#removeMetrics();
      throw new EngineError(
        ErrorCode.InvalidArgument,
        `the metrics of prefix '${prefix}' cannot be registered: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  /** False once somebody has cleared the register. */
  get isRegistered(): boolean {
    return this.#register.getSingleMetric(this.#names[0]!) !== undefined;
  }

  /** Returns how to take the store off again. */
  add(store: ObservedStore, labels: Labels): () => void {
    const key = keyOf(labels);
    if (this.#sources.has(key)) {
      throw new EngineError(
        ErrorCode.InvalidArgument,
        `there is a store with the labels ${JSON.stringify(labels)} on this register already`,
      );
    }
    const remove = (): void => this.#remove(key, source);
    const observer = new StoreObserver(
      store,
      (name, durationMs, label) => this.#observe(source, name, durationMs, label),
      remove,
    );
    const source: Source = { labels, observer, observed: new Map(), stats: undefined };
    this.#sources.set(key, source);
    return remove;
  }

  #addMetric(client: Client, prefix: string, { name, help, kind, label, read }: MetricSpec): void {
    const configuration = {
      name: prefix + name,
      help,
      labelNames: label === undefined ? [...this.labelNames] : [...this.labelNames, label],
      registers: [this.#register],
    };
    const fill = (set: (labels: Labels, value: number) => void): void => {
      for (const source of this.#sources.values()) {
        const reading = read(this.#statsOf(source), source.observer);
        if (typeof reading === 'number') set(source.labels, reading);
        else for (const [of, value] of reading) set({ ...source.labels, [label!]: of }, value);
      }
    };
    if (kind === 'counter') {
      new client.Counter({
        ...configuration,
        collect() {
          this.reset();
          fill((labels, value) => this.inc(labels, value));
        },
      });
    } else {
      new client.Gauge({
        ...configuration,
        collect() {
          this.reset();
          fill((labels, value) => this.set(labels, value));
        },
      });
    }
    this.#names.push(prefix + name);
  }

  #addHistogram(client: Client, prefix: string, name: HistogramName, spec: HistogramSpec): void {
    const { label, help, buckets } = spec;
    this.#histograms.set(
      name,
      new client.Histogram({
        name: prefix + spec.name,
        help,
        buckets: [...buckets],
        labelNames: label === undefined ? [...this.labelNames] : [...this.labelNames, label],
        registers: [this.#register],
      }),
    );
    this.#names.push(prefix + spec.name);
  }

  #observe(source: Source, name: HistogramName, durationMs: number, of: string | undefined): void {
    const { label }: HistogramSpec = HISTOGRAMS[name];
    const labels =
      label === undefined || of === undefined ? source.labels : { ...source.labels, [label]: of };
    source.observed.set(`${name} ${of ?? ''}`, [name, labels]);
    this.#histograms.get(name)!.observe(labels, durationMs / 1000);
  }

  /** Asked for once a scrape, whose metrics are all filled in one turn. */
  #statsOf(source: Source): StoreStats {
    if (source.stats === undefined) {
      source.stats = source.observer.store.stats();
      queueMicrotask(() => {
        source.stats = undefined;
      });
    }
    return source.stats;
  }

  #remove(key: string, source: Source): void {
    if (this.#sources.get(key) !== source) return;
    this.#sources.delete(key);
    source.observer.stop();
    for (const [name, labels] of source.observed.values()) this.#histograms.get(name)!.remove(labels);
    if (this.#sources.size > 0) return;
    if (this.isRegistered) this.#removeMetrics();
    this.#onEmpty();
  }

  #removeMetrics(): void {
    for (const name of this.#names.splice(0)) this.#register.removeSingleMetric(name);
  }
}

function keyOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
