import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeHolder, type Holder } from './holder.ts';
import { claimHolder, type HolderClaim } from './holder-claim.ts';
import { readHolder } from './holder-file.ts';

const root = mkdtempSync(join(tmpdir(), 'arena-claim-'));
afterAll(() => rmSync(root, { recursive: true }));

let directory: string;
let holderPath: string;
beforeEach(() => {
  directory = mkdtempSync(join(root, 'store-'));
  holderPath = join(directory, 'arena.holder');
});

const agree = (): void => {};
const nonceNow = (): string | undefined => readHolder(holderPath)?.nonce;

/** Puts a holder file in place as a takeover does: at once, over another. */
function putHolder(nonce: string, path = holderPath): void {
  const claim = claimHolder(mkdtempSync(join(root, 'template-')), undefined, agree);
  const holder = JSON.parse(readFileSync(lastTemplate(), 'utf8')) as Holder;
  claim.release();
  writeFileSync(`${path}.put`, encodeHolder({ ...holder, nonce }));
  renameSync(`${path}.put`, path);
}

function lastTemplate(): string {
  for (const name of readdirSync(root)) {
    const path = join(root, name, 'arena.holder');
    if (name.startsWith('template-') && readHolder(path) !== undefined) return path;
  }
  throw new Error('no template');
}

/** Steps that others take while a claimant has looked at a holder and not yet acted. */
function whenLooking(...steps: (() => void)[]): (found: { nonce: string }) => void {
  return () => steps.shift()?.();
}

describe('a claim of the holder file', () => {
  test('replaces a holder that may be replaced and leaves nothing else', () => {
    putHolder('aa');
    const claim = claimHolder(directory, undefined, agree);
    expect(nonceNow()).not.toBe('aa');
    expect(readdirSync(directory)).toEqual(['arena.holder']);
    claim.release();
    expect(readdirSync(directory)).toEqual([]);
  });

  test('leaves everything as it was when the holder may not be replaced', () => {
    putHolder('aa');
    const refuse = (): never => {
      throw new Error('refused');
    };
    expect(() => claimHolder(directory, undefined, refuse)).toThrow('refused');
    expect(nonceNow()).toBe('aa');
    expect(readdirSync(directory)).toEqual(['arena.holder']);
  });

  test('looks again where another took over between looking and acting', () => {
    putHolder('aa');
    const seen: string[] = [];
    const interfere = whenLooking(() => putHolder('bb'));
    const claim = claimHolder(directory, undefined, (found) => {
      seen.push(found.nonce);
      interfere(found);
    });
    expect(seen).toEqual(['aa', 'bb']);
    expect(readdirSync(directory)).toEqual(['arena.holder']);
    claim.release();
  });

  test('does not replace one that took over meanwhile and lives', () => {
    putHolder('aa');
    let other: HolderClaim | undefined;
    const refuse = (): never => {
      throw new Error('refused');
    };
    const check = whenLooking(() => {
      other = claimHolder(directory, undefined, agree);
    }, refuse);
    expect(() => claimHolder(directory, undefined, check)).toThrow('refused');
    expect(readdirSync(directory)).toEqual(['arena.holder']);
    other!.release();
    expect(readdirSync(directory)).toEqual([]);
  });

  test('takes a store that became free meanwhile', () => {
    putHolder('aa');
    const check = whenLooking(() => rmSync(holderPath));
    const claim = claimHolder(directory, undefined, check);
    expect(nonceNow()).toBeDefined();
    expect(readdirSync(directory)).toEqual(['arena.holder']);
    claim.release();
  });

  test('is made by the successor of the holder only: a second one looks at the first', () => {
    putHolder('aa');
    putHolder('bb', `${holderPath}.after-aa`);
    const seen: string[] = [];
    const claim = claimHolder(directory, undefined, ({ nonce }) => seen.push(nonce));
    expect(seen).toEqual(['aa', 'bb']);
    expect(readdirSync(directory)).toEqual(['arena.holder']);
    claim.release();
  });

  test('looks again where the successor it found has gone', () => {
    putHolder('aa');
    putHolder('bb', `${holderPath}.after-aa`);
    const check = whenLooking(agree, () => {
      putHolder('bb');
      rmSync(`${holderPath}.after-aa`);
    });
    const seen: string[] = [];
    const claim = claimHolder(directory, undefined, (found) => {
      seen.push(found.nonce);
      check(found);
    });
    expect(seen).toEqual(['aa', 'bb', 'bb']);
    claim.release();
    expect(readdirSync(directory)).toEqual([]);
  });

  test('gives up where it is overtaken again and again', () => {
    let round = 0;
    putHolder('0');
    expect(() => claimHolder(directory, undefined, () => putHolder(String(++round)))).toThrow(/overtaken/);
    expect(readdirSync(directory)).toEqual(['arena.holder']);
  });

  test('prepares anew where its preparation was swept away', () => {
    putHolder('aa');
    const check = whenLooking(() => {
      for (const name of readdirSync(directory))
        if (/holder\.[0-9a-f-]{36}$/.test(name)) rmSync(join(directory, name));
    });
    const claim = claimHolder(directory, undefined, check);
    expect(readdirSync(directory)).toEqual(['arena.holder']);
    claim.release();
  });
});
