import type { AbstractResource, AbstractSublevelOptions } from 'abstract-level';
import { SublevelBase } from './base-classes.ts';
import type { Encoded } from './encoded.ts';
import type { ForwardedReadOptions, ForwardedWriteOptions } from './forwarded-options.ts';
import { OpenResources } from './open-resources.ts';
import type { EncodedOperation } from './operations.ts';
import { batchNow, delNow, hasNow, putNow, TWINS, type TwinHost } from './twins.ts';

/** A sublevel with the blocking twins, which hand what they write to the parent's. Its public type is `ArenaSublevel`. */
export class SublevelWithTwins<TDatabase> extends SublevelBase<TDatabase> {
  readonly #resources = new OpenResources(
    (resource) => super.attachResource(resource),
    (resource) => super.detachResource(resource),
  );

  constructor(database: TDatabase, name: string, options: AbstractSublevelOptions<never, never>) {
    super(database, name, { ...options, manifest: { additionalMethods: TWINS } });
  }

  putSync(key: unknown, value: unknown, options?: ForwardedWriteOptions): void {
    putNow(this.#twinHost, key, value, options);
  }

  delSync(key: unknown, options?: ForwardedWriteOptions): void {
    delNow(this.#twinHost, key, options);
  }

  batchSync(operations: unknown, options?: ForwardedWriteOptions): void {
    batchNow(this.#twinHost, operations, options);
  }

  hasSync(key: unknown, options?: ForwardedReadOptions): boolean {
    return hasNow(this.#twinHost, key, options);
  }

  override attachResource(resource: AbstractResource): void {
    this.#resources.attach(resource);
  }

  override detachResource(resource: AbstractResource): void {
    this.#resources.detach(resource);
  }

  _sublevel(name: string, options: AbstractSublevelOptions<never, never>): SublevelWithTwins<this> {
    return new SublevelWithTwins(this, name, options);
  }

  _putSync(key: Encoded, value: Encoded, options: ForwardedWriteOptions): void {
    putNow(this.#above, key, value, options);
  }

  _delSync(key: Encoded, options: ForwardedWriteOptions): void {
    delNow(this.#above, key, options);
  }

  _batchSync(operations: readonly EncodedOperation[], options: ForwardedWriteOptions): void {
    batchNow(this.#above, operations, options);
  }

  _hasSync(key: Encoded, options: ForwardedReadOptions): boolean {
    return hasNow(this.#above, key, options);
  }

  get #twinHost(): TwinHost {
    return this as unknown as TwinHost;
  }

  get #above(): TwinHost {
    return this.parent as TwinHost;
  }
}
