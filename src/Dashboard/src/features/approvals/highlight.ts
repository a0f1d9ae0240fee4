import bash from 'highlight.js/lib/languages/bash';
import ini from 'highlight.js/lib/languages/ini';
import json from 'highlight.js/lib/languages/json';
import markdown from 'highlight.js/lib/languages/markdown';
import nix from 'highlight.js/lib/languages/nix';
import python from 'highlight.js/lib/languages/python';
import typescript from 'highlight.js/lib/languages/typescript';
import yaml from 'highlight.js/lib/languages/yaml';
import { createLowlight } from 'lowlight';
import type { DiffLine } from './patch';

/** A part of a line with one colour. */
export interface Coloured {
  text: string;
  /** The part's highlight class; empty for plain text. */
  as: string;
}

const lowlight = createLowlight({ bash, ini, json, markdown, nix, python, typescript, yaml });

const LANGUAGES: Record<string, string> = {
  yaml: 'yaml',
  yml: 'yaml',
  json: 'json',
  md: 'markdown',
  markdown: 'markdown',
  sh: 'bash',
  bash: 'bash',
  py: 'python',
  // TypeScript's grammar knows all of JavaScript's.
  js: 'typescript',
  mjs: 'typescript',
  ts: 'typescript',
  nix: 'nix',
  toml: 'ini',
  ini: 'ini',
};

/** Larger hunks, and longer lines, are shown without colours: finding them would block the page. */
const MOST_CHARS = 60_000;
const MOST_LINE = 2_000;

type Node = ReturnType<typeof lowlight.highlight>['children'][number];

/**
 * The lines of a patch in coloured parts. Each side of a hunk is highlighted as one text, since strings and comments
 * may span lines.
 */
export function coloured(path: string, lines: readonly DiffLine[]): Coloured[][] {
  const parts: Coloured[][] = lines.map(({ text }) => [{ text, as: '' }]);
  const language = LANGUAGES[/\.([a-z]+)$/.exec(path.toLowerCase())?.[1] ?? ''];
  if (language === undefined) return parts;
  for (let from = 0; from < lines.length; ) {
    let to = from + 1;
    while (to < lines.length && lines[to]?.kind !== 'hunk') to++;
    for (const side of ['removed', 'added'] as const) {
      const places: number[] = [];
      for (let i = from; i < to; i++) if (lines[i]?.kind === side || lines[i]?.kind === 'same') places.push(i);
      const texts = places.map((i) => lines[i]?.text ?? '');
      if (
        texts.reduce((sum, text) => sum + text.length, 0) > MOST_CHARS ||
        texts.some((text) => text.length > MOST_LINE)
      )
        continue;
      const read = byLine(lowlight.highlight(language, texts.join('\n')).children);
      for (const [i, place] of places.entries()) parts[place] = read[i] ?? parts[place] ?? [];
    }
    from = to;
  }
  return parts;
}

function byLine(nodes: readonly Node[]): Coloured[][] {
  const lines: Coloured[][] = [[]];
  const walk = (node: Node, as: string) => {
    if (node.type === 'text') {
      node.value.split('\n').forEach((text, i) => {
        if (i > 0) lines.push([]);
        if (text !== '') lines.at(-1)?.push({ text, as });
      });
    } else if (node.type === 'element') {
      const name = node.properties.className;
      const inner = Array.isArray(name) ? String(name[0]).replace(/^hljs-/, '') : as;
      for (const child of node.children) walk(child as Node, inner);
    }
  };
  for (const node of nodes) walk(node, '');
  return lines;
}
