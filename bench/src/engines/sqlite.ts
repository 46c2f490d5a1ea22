import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { BenchStore, Engine, EngineSetup, Operation, ScanRange } from './engine.ts';
import { loadPackage } from './load-package.ts';

interface Statement {
  run(...values: unknown[]): unknown;
  get(...values: unknown[]): { readonly value: Uint8Array } | undefined;
  iterate(...values: unknown[]): Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }>;
}

interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

type DatabaseClass = new (path: string) => Database;

const MODULE = 'node:sqlite';
const PACKAGE = 'better-sqlite3';
/** A package of its own beside the workspace: its install compiles SQLite, for minutes. */
const PACKAGE_FOLDER = new URL('../../sqlite/', import.meta.url);

interface Sqlite {
  readonly Database: DatabaseClass;
  readonly version: string;
}

/**
 * SQLite, a B-tree by primary key, on the calling thread: by the module that Node.js has since version 22.5, or else by
 * the package better-sqlite3, if it was installed in its folder.
 */
export const sqlite: Engine = {
  name: 'sqlite',
  kind: 'peer',
  note: 'one table WITHOUT ROWID, journal_mode WAL, prepared statements, on the calling thread',
  async load() {
    const loaded = await loadSqlite();
    if (typeof loaded === 'string') return loaded;
    return {
      version: loaded.version,
      configuration: pragmasOf,
      async open(setup) {
        mkdirSync(setup.location, { recursive: true });
        return sqliteStore(new loaded.Database(join(setup.location, 'store.db')), setup);
      },
    };
  },
};

async function loadSqlite(): Promise<Sqlite | string> {
  const module = await loadPackage<{ readonly DatabaseSync: DatabaseClass }>(MODULE);
  if (typeof module !== 'string') {
    return {
      Database: module.DatabaseSync,
      version: process.versions['sqlite'] ?? `of Node ${process.versions.node}`,
    };
  }
  try {
    const require = createRequire(PACKAGE_FOLDER);
    const Database = require(PACKAGE) as DatabaseClass;
    const { version } = require(`${PACKAGE}/package.json`) as { readonly version: string };
    return { Database, version: `${PACKAGE} ${version}` };
  } catch {
    return `Node ${process.versions.node} has no ${MODULE}, and ${PACKAGE} is not installed: npm install --prefix bench/sqlite`;
  }
}

function pragmasOf({ cacheBytes, sync, writeBufferBytes }: EngineSetup): Readonly<Record<string, unknown>> {
  const pageBytes = 4096;
  return {
    journal_mode: 'WAL',
    synchronous: sync ? 'FULL' : 'OFF',
    // Negative: in KiB.
    cache_size: -Math.floor(cacheBytes / 1024),
    // The write-ahead log grows to a write buffer's size before it is copied into the table.
    wal_autocheckpoint: Math.floor(writeBufferBytes / pageBytes),
  };
}

function sqliteStore(db: Database, setup: EngineSetup): BenchStore {
  for (const [name, value] of Object.entries(pragmasOf(setup))) db.exec(`PRAGMA ${name} = ${String(value)}`);
  db.exec('CREATE TABLE IF NOT EXISTS kv (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID');
  const put = db.prepare('INSERT OR REPLACE INTO kv VALUES (?, ?)');
  const del = db.prepare('DELETE FROM kv WHERE key = ?');
  const get = db.prepare('SELECT value FROM kv WHERE key = ?');
  const apply = (operation: Operation): void => {
    if (operation.type === 'put') put.run(operation.key, operation.value);
    else del.run(operation.key);
  };
  const getSync = (key: Buffer): Uint8Array | undefined => get.get(key)?.value;
  return {
    put: async (key, value) => put.run(key, value),
    del: async (key) => del.run(key),
    async batch(operations) {
      db.exec('BEGIN');
      operations.forEach(apply);
      db.exec('COMMIT');
    },
    get: async (key) => getSync(key),
    getSync,
    scan: async (range, visit) => scanRows(db, range, visit),
    settle: async () => db.exec('PRAGMA wal_checkpoint(TRUNCATE)'),
    facts: () => ({}),
    watch: undefined,
    close: async () => db.close(),
  };
}

function scanRows(
  db: Database,
  { from, reverse = false, limit = -1 }: ScanRange,
  visit: (key: Uint8Array, value: Uint8Array) => void,
): void {
  const where = from === undefined ? '' : `WHERE key ${reverse ? '<=' : '>='} ?`;
  const rows = db.prepare(
    `SELECT key, value FROM kv ${where} ORDER BY key ${reverse ? 'DESC' : 'ASC'} LIMIT ?`,
  );
  const found = from === undefined ? rows.iterate(limit) : rows.iterate(from, limit);
  for (const { key, value } of found) visit(key, value);
}
