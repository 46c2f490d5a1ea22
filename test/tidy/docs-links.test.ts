import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { brokenLinks } from './docs-links.ts';
import { ROOT, textFiles } from './source-tree.ts';

describe('the documents', () => {
  test('link only to files and headings that exist', () => {
    const documents = textFiles().filter(({ path }) => path.endsWith('.md'));
    expect(documents.length).toBeGreaterThan(0);
    expect(brokenLinks(documents, (path) => existsSync(ROOT + path))).toEqual([]);
  });
});

describe('the link rule', () => {
  const files = new Set(['LICENSE', 'docs', 'docs/a.md', 'packages/x/src/y.ts']);
  const broken = (text: string): string[] =>
    brokenLinks(
      [
        { path: 'docs/a.md', text },
        { path: 'README.md', text: '# Top\n\n## Why `this`?\n\n## Top\n' },
      ],
      (path) => files.has(path),
    );

  test.each([
    '[a](../packages/x/src/y.ts)',
    '[a](../LICENSE "title")',
    '[a](../README.md#why-this)',
    '[a](../README.md#top-1)',
    '[a](#here)\n\n# Here',
    '[a](https://example.org/missing)',
    '[a](mailto:a@example.org)',
    '[a]: ../LICENSE',
    '`[a](missing.md)`',
    '```\n[a](missing.md)\n```',
    '[folder](../docs/)',
  ])('accepts %j', (text) => {
    expect(broken(text)).toEqual([]);
  });

  test.each([
    ['[a](missing.md)', 'missing.md'],
    ['[a](../README.md#missing)', '../README.md#missing'],
    ['[a](#missing)', '#missing'],
    ['[a](../../outside.md)', '../../outside.md'],
    ['[a]: missing.md', 'missing.md'],
    ['text\n\n![image](missing.svg)', 'missing.svg'],
  ])('refuses %j', (text, link) => {
    expect(broken(text)).toEqual([`docs/a.md: ${link}`]);
  });
});
