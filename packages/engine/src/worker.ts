/** What worker threads run, as an entry for bundlers: a bundled application puts it into a file of its own, see `workerUrl`. */
export { default } from '@arena-level/worker-flush/worker';
