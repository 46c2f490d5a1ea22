/**
 * The blocking twins of `put`, `del`, `batch` and `has`, for a database and its sublevels alike. What abstract-level does
 * around its asynchronous forms is done here in the same order: keys and values are checked and encoded, prewrite hooks
 * run, the write is made, listeners of `write` are told. So hooks and listeners cannot tell the forms apart. Two things
 * differ: a twin never waits for a database that is still opening, and listeners have been called when it returns.
 */
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { Transcoder } from 'abstract-level';
import type { Encoded } from './encoded.ts';
import type { ForwardedReadOptions, ForwardedWriteOptions } from './forwarded-options.ts';
import type { EncodedOperation } from './operations.ts';

/** The twins, for a manifest. */
export const TWINS: Readonly<Record<string, boolean>> = {
  putSync: true,
  delSync: true,
  batchSync: true,
  hasSync: true,
};

type Encoding = Transcoder.Encoding<unknown, Encoded, unknown>;

/** What the twins need of a database or a sublevel: what abstract-level has, and the private halves of the twins. */
export interface TwinHost {
  readonly status: string;
  readonly parent: TwinHost | null;
  readonly hooks: {
    readonly prewrite: { readonly noop: boolean; readonly run: (op: Operation, batch: HookBatch) => void };
  };
  keyEncoding(encoding: unknown): Encoding;
  valueEncoding(encoding: unknown): Encoding;
  prefixKey(key: Encoded, format: string, local: boolean): Encoded;
  _assertValidKey(key: unknown): void;
  _assertValidValue(value: unknown): void;
  listenerCount(event: string): number;
  emit(event: string, operations: readonly object[]): boolean;

  /** Given encoded keys and values, and options whose encodings are those they are in. */
  _putSync(key: Encoded, value: Encoded, options: ForwardedWriteOptions): void;
  _delSync(key: Encoded, options: ForwardedWriteOptions): void;
  _batchSync(operations: readonly EncodedOperation[], options: ForwardedWriteOptions): void;
  _hasSync(key: Encoded, options: ForwardedReadOptions): boolean;
}

const NO_OPTIONS: ForwardedWriteOptions & ForwardedReadOptions = Object.freeze({});

/** An operation as a hook sees it. Users' own properties may stand beside these. */
export interface Operation {
  readonly type: 'put' | 'del';
  key: unknown;
  value?: unknown;
  keyEncoding?: unknown;
  valueEncoding?: unknown;
  sublevel?: unknown;
}

/** What a hook may add operations to. */
export interface HookBatch {
  add(operation: Operation): HookBatch;
}

export function putNow(db: TwinHost, key: unknown, value: unknown, given?: ForwardedWriteOptions): void {
  const options = given ?? NO_OPTIONS;
  if (!db.hooks.prewrite.noop) {
    batchNow(db, [{ type: 'put', key, value }], options);
    return;
  }
  assertOpen(db);
  db._assertValidKey(key);
  db._assertValidValue(value);
  const keyEncoding = db.keyEncoding(options.keyEncoding);
  const valueEncoding = db.valueEncoding(options.valueEncoding);
  const encodedKey = keyEncoding.encode(key);
  const encodedValue = valueEncoding.encode(value);
  const isHeard = db.listenerCount('write') > 0;
  db._putSync(db.prefixKey(encodedKey, keyEncoding.format, true), encodedValue, {
    ...options,
    keyEncoding: keyEncoding.format,
    valueEncoding: valueEncoding.format,
  });
  if (isHeard) {
    const encoded = { keyEncoding, valueEncoding, encodedKey, encodedValue };
    db.emit('write', [{ ...options, type: 'put', key, value, ...encoded }]);
  }
}

export function delNow(db: TwinHost, key: unknown, given?: ForwardedWriteOptions): void {
  const options = given ?? NO_OPTIONS;
  if (!db.hooks.prewrite.noop) {
    batchNow(db, [{ type: 'del', key }], options);
    return;
  }
  assertOpen(db);
  db._assertValidKey(key);
  const keyEncoding = db.keyEncoding(options.keyEncoding);
  const encodedKey = keyEncoding.encode(key);
  const isHeard = db.listenerCount('write') > 0;
  const prefixed = db.prefixKey(encodedKey, keyEncoding.format, true);
  db._delSync(prefixed, { ...options, keyEncoding: keyEncoding.format });
  if (isHeard) db.emit('write', [{ ...options, type: 'del', key, keyEncoding, encodedKey }]);
}

export function hasNow(db: TwinHost, key: unknown, given?: ForwardedReadOptions): boolean {
  const options = given ?? NO_OPTIONS;
  assertOpen(db);
  db._assertValidKey(key);
  const keyEncoding = db.keyEncoding(options.keyEncoding);
  const prefixed = db.prefixKey(keyEncoding.encode(key), keyEncoding.format, true);
  return db._hasSync(prefixed, { ...options, keyEncoding: keyEncoding.format });
}

export function batchNow(db: TwinHost, operations: unknown, given?: ForwardedWriteOptions): void {
  const options = given ?? NO_OPTIONS;
  assertOpen(db);
  if (!Array.isArray(operations)) throw new TypeError("The first argument 'operations' must be an array");
  if (operations.length === 0) return;
  const isHeard = db.listenerCount('write') > 0;
  const users = new PreparedOperations(db, isHeard);
  const hooks = new PreparedOperations(db, isHeard);
  const hookBatch: HookBatch = {
    add(operation) {
      hooks.add(operation);
      return hookBatch;
    },
  };
  for (const operation of operations as Operation[]) users.add({ ...options, ...operation }, hookBatch);
  db._batchSync(users.encoded.concat(hooks.encoded), options);
  if (isHeard) db.emit('write', users.published.concat(hooks.published));
}

class PreparedOperations {
  readonly encoded: EncodedOperation[] = [];
  /** For listeners: in the encodings of the one who wrote, or encoded where a sublevel did. */
  readonly published: object[] = [];
  readonly #db: TwinHost;
  readonly #isHeard: boolean;

  constructor(db: TwinHost, isHeard: boolean) {
    this.#db = db;
    this.#isHeard = isHeard;
  }

  /** Takes over `op`. With a batch for them, hooks are run. */
  add(op: Operation, hookBatch?: HookBatch): void {
    // A hook may change anything but these two.
    const { type } = op;
    const db = (op.sublevel ?? this.#db) as TwinHost;
    checkOperation(db, op);
    normalizeEncodings(db, op, type);
    if (hookBatch !== undefined && !this.#db.hooks.prewrite.noop) {
      runHook(this.#db, op, hookBatch);
      normalizeEncodings(db, op, type);
    }
    this.#encode(op, type, db);
  }

  #encode(op: Operation, type: 'put' | 'del', db: TwinHost): void {
    const keyEncoding = op.keyEncoding as Encoding;
    const isForeign = db !== this.#db && !isDescendant(db, this.#db);
    let encodedKey = keyEncoding.encode(op.key);
    // The key of a sublevel elsewhere in the tree is left to the parent, together with the sublevel.
    if (!isForeign) {
      encodedKey = prefixedUpTo(this.#db, db, encodedKey, keyEncoding.format);
      if (op.sublevel != null) op.sublevel = null;
    }
    const encoded: Partial<Operation> = {
      key: isForeign ? encodedKey : this.#db.prefixKey(encodedKey, keyEncoding.format, true),
      keyEncoding: keyEncoding.format,
    };
    if (type === 'put') {
      const valueEncoding = op.valueEncoding as Encoding;
      encoded.value = valueEncoding.encode(op.value);
      encoded.valueEncoding = valueEncoding.format;
    }
    this.encoded.push({ ...op, ...encoded } as EncodedOperation);
    if (this.#isHeard && !isForeign) this.#publish(op, encoded, encodedKey, db !== this.#db);
  }

  #publish(op: Operation, encoded: Partial<Operation>, encodedKey: Encoded, isDelegated: boolean): void {
    const { value } = encoded;
    const published = { ...op, encodedKey, ...(value === undefined ? {} : { encodedValue: value }) };
    if (isDelegated) {
      published.key = encodedKey;
      published.keyEncoding = this.#db.keyEncoding(encoded.keyEncoding);
      if (value !== undefined) {
        published.value = value;
        published.valueEncoding = this.#db.valueEncoding(encoded.valueEncoding);
      }
    }
    this.published.push(published);
  }
}

function checkOperation(db: TwinHost, op: Operation): void {
  db._assertValidKey(op.key);
  if (op.type === 'put') db._assertValidValue(op.value);
  else if (op.type !== 'del') {
    throw new TypeError("A batch operation must have a type property that is 'put' or 'del'");
  }
}

function normalizeEncodings(db: TwinHost, op: Operation, type: 'put' | 'del'): void {
  op.keyEncoding = db.keyEncoding(op.keyEncoding);
  if (type === 'put') op.valueEncoding = db.valueEncoding(op.valueEncoding);
}

function runHook(db: TwinHost, op: Operation, hookBatch: HookBatch): void {
  try {
    db.hooks.prewrite.run(op, hookBatch);
  } catch (cause) {
    throw new EngineError(ErrorCode.HookError, 'the prewrite hook failed on batchSync()', { cause });
  }
}

function isDescendant(db: TwinHost, ancestor: TwinHost): boolean {
  for (let at = db.parent; at != null; at = at.parent) if (at === ancestor) return true;
  return false;
}

/** With the prefixes of `db` and of those between it and `ancestor`. */
function prefixedUpTo(ancestor: TwinHost, db: TwinHost, key: Encoded, format: string): Encoded {
  let prefixed = key;
  for (let at: TwinHost | null = db; at !== null && at !== ancestor; at = at.parent) {
    prefixed = at.prefixKey(prefixed, format, true);
  }
  return prefixed;
}

function assertOpen(db: TwinHost): void {
  if (db.status !== 'open') throw new EngineError(ErrorCode.DatabaseNotOpen, 'the database is not open');
}
