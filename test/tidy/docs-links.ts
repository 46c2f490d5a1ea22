import { posix } from 'node:path';
import type { TextFile } from './source-tree.ts';

/** Links of a Markdown file to files of the repository and to headings, in order. */
const LINK = /\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|^\[[^\]]+\]:\s*(\S+)/gm;
const ELSEWHERE = /^[a-z][a-z+.-]*:/i;

/**
 * Links that lead to no file, no folder or no heading. `exists` answers for paths from the root of the repository.
 */
export function brokenLinks(documents: readonly TextFile[], exists: (path: string) => boolean): string[] {
  const headings = new Map(documents.map(({ path, text }) => [path, anchorsOf(text)]));
  return documents.flatMap(({ path, text }) => {
    const prose = withoutCode(text);
    return [...prose.matchAll(LINK)].flatMap((match) => {
      const link = match[1] ?? match[2]!;
      if (ELSEWHERE.test(link)) return [];
      const [file, anchor] = decodeURI(link).split('#') as [string, string | undefined];
      const target =
        file === '' ? path : posix.normalize(posix.join(posix.dirname(path), file)).replace(/\/$/, '');
      const broken =
        target.startsWith('..') ||
        !(headings.has(target) || exists(target)) ||
        (anchor !== undefined && headings.get(target)?.has(anchor) === false);
      return broken ? [`${path}: ${link}`] : [];
    });
  });
}

function withoutCode(text: string): string {
  return text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '');
}

/** The anchors that GitHub gives the headings of a document. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const match of text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const base = match[1]!
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    let anchor = base;
    for (let copy = 1; anchors.has(anchor); copy++) anchor = `${base}-${copy}`;
    anchors.add(anchor);
  }
  return anchors;
}
