import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { htmlReport } from './html.ts';
import { allReports } from './reports.test-support.ts';

const folder = mkdtempSync(join(tmpdir(), 'bench-html-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = promisify(execFile);
const CHROMIUM = 'chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--enable-logging=stderr',
  '--virtual-time-budget=10000',
  '--window-size=1000,800',
  '--dump-dom',
];

async function isHere(): Promise<boolean> {
  try {
    await run(CHROMIUM, ['--version']);
    return true;
  } catch {
    return false;
  }
}

/** The attributes of the page's root after its scripts ran, and what they wrote to the console. */
async function opened(html: string): Promise<{ root: Record<string, string>; console: string[] }> {
  const path = join(folder, 'report.html');
  writeFileSync(path, html);
  const profile = `--user-data-dir=${join(folder, 'profile')}`;
  const { stderr, stdout } = await run(CHROMIUM, [...FLAGS, profile, pathToFileURL(path).href], {
    maxBuffer: 2 ** 26,
  });
  const tag = /<html([^>]*)>/.exec(stdout)?.[1] ?? '';
  return {
    root: Object.fromEntries(
      [...tag.matchAll(/data-(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
    ),
    console: stderr.split('\n').filter((line) => line.includes('CONSOLE')),
  };
}

describe('the page', () => {
  const html = htmlReport(allReports());

  test('needs nothing but itself', () => {
    const loaded = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, target]) => target!);
    expect(loaded.filter((target) => !target.startsWith('#') && target !== 'data:,')).toEqual([]);
    expect(html).not.toMatch(/@import|url\(/);
  });

  test('has the words of engines escaped', () => {
    expect(html).toContain('engine &#38; API');
    expect(html).toContain('there is &#60;none&#62;');
  });

  test('has the goals of threads, and which of them were not met', () => {
    expect(html).toContain(
      '<td>arena: reads of 1 thread, the owner writing: of those of classic-level</td>' +
        '<td>at least x 2</td><td>x 1.00</td><td>not met</td>',
    );
  });

  test('has every chart drawn in a browser, and no error on its console', { timeout: 120_000 }, async ({
    skip,
  }) => {
    if (!(await isHere())) skip(`${CHROMIUM} is not installed`);
    const page = await opened(html);
    expect(page.console).toEqual([]);
    expect(page.root).toMatchObject({ errors: '', drawn: page.root['charts'] });
    expect(Number(page.root['charts'])).toBeGreaterThan(10);
  });

  test('tells of an error in a browser', { timeout: 120_000 }, async ({ skip }) => {
    if (!(await isHere())) skip(`${CHROMIUM} is not installed`);
    const page = await opened(html.replace('{"charts":[', '{"charts":[null,'));
    expect(page.console.join()).toContain('TypeError');
    expect(page.root['drawn']).toBeUndefined();
  });
});
