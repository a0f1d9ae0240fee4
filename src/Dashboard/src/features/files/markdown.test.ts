import { Fragment, isValidElement, type VNode } from 'preact';
import { describe, expect, test } from 'vitest';
import { Markdown } from './markdown';

/** The elements of a rendered text as HTML, for assertions. */
function shown(source: string): string {
  return out(Markdown({ source }));
}

function out(node: unknown): string {
  if (Array.isArray(node)) return node.map(out).join('');
  if (!isValidElement(node)) return node == null || typeof node === 'boolean' ? '' : String(node);
  const { type, props } = node as VNode<Record<string, unknown>>;
  const inner = out(props.children);
  if (type === Fragment) return inner;
  const attributes = Object.entries(props)
    .filter(([name]) => name !== 'children')
    .map(([name, value]) => ` ${name}="${String(value)}"`);
  return `<${String(type)}${attributes.join('')}>${inner}</${String(type)}>`;
}

/** Every element and attribute that rendering can produce. */
function parts(source: string): { tags: Set<string>; attributes: Set<string> } {
  const tags = new Set<string>();
  const attributes = new Set<string>();
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(walk);
    else if (isValidElement(node)) {
      const { type, props } = node as VNode<Record<string, unknown>>;
      if (type !== Fragment) {
        tags.add(String(type));
        for (const name of Object.keys(props)) if (name !== 'children') attributes.add(name);
      }
      walk(props.children);
    }
  };
  walk(Markdown({ source }));
  return { tags, attributes };
}

const TAGS = new Set(
  'h3 h4 h5 h6 p blockquote ul ol li table thead tbody tr th td em strong s br hr code pre span bdi div'.split(' '),
);
const ATTRIBUTES = new Set(['class', 'tabIndex', 'role', 'aria-label', 'start']);

describe('Markdown', () => {
  test('becomes headings below those of the page, lists, quotations, code and tables', () => {
    expect(shown('# One\n\n###### Six')).toBe('<h3 class="md-h1">One</h3><h6 class="md-h6">Six</h6>');
    expect(shown('- a\n- *b* **c** ~~d~~ `e`')).toBe(
      '<ul><li>a</li><li><em>b</em> <strong>c</strong> <s>d</s> <code>e</code></li></ul>',
    );
    expect(shown('3. a\n4. b')).toBe('<ol start="3"><li>a</li><li>b</li></ol>');
    expect(shown('> a\n> b')).toBe('<blockquote><p>a\nb</p></blockquote>');
    expect(shown('```sh" onclick="x\n<b>\n```')).toBe('<pre class="md-wide" tabIndex="0"><code><b>\n</code></pre>');
    expect(shown('|a|b|\n|:-|-:|\n|c|d|')).toContain(
      '<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>c</td><td>d</td></tr></tbody></table>',
    );
  });

  test('has no links: the target of a link is text', () => {
    expect(shown('[here](https://example.org/x "t")')).toBe(
      '<p><span class="md-link">here<span class="dim"> (<bdi>https://example.org/x</bdi>)</span></span></p>',
    );
    expect(shown('<https://example.org>')).toBe('<p><span class="md-link">https://example.org</span></p>');
    // A host with letters that look like others is named by its ASCII form.
    expect(shown('[here](https://exаmple.org/ä)')).toContain('(<bdi>https://xn--exmple-4nf.org/%C3%A4</bdi>)');
    expect(shown('[notes](../other/notes.md)')).toContain('(<bdi>../other/notes.md</bdi>)');
    expect(shown('https://example.org')).toBe('<p>https://example.org</p>');
  });

  test('loads no images: an image is its description', () => {
    expect(shown('![a *cat*](https://example.org/cat.png)')).toBe(
      '<p><span class="dim">[image: a *cat*, https://example.org/cat.png]</span></p>',
    );
  });

  test('holds raw HTML as text', () => {
    const hostile =
      '<script>alert(1)</script>\n\n<img src=x onerror=alert(2)> and <b onclick=x>bold</b>\n\n' +
      '<style>*{display:none}</style>';
    expect(shown(hostile)).toBe(`<p>${hostile.replaceAll('\n\n', '</p><p>')}</p>`);
    expect(parts(hostile).tags).toEqual(new Set(['p']));
  });

  test.each([
    '[x](javascript:alert(1))',
    '[x](JaVaScRiPt:alert(1))',
    '[x](java\tscript:alert(1))',
    '[x](&#106;avascript:alert(1))',
    '[x](\u0001javascript:alert(1))',
    '[x](data:text/html;base64,PHNjcmlwdD4=)',
    '[x](vbscript:x "t\\" onmouseover=alert(1) \\"")',
    '![x](javascript:alert(1))',
    '![x](data:image/svg+xml,<svg onload=alert(1)>)',
    '[![x](a.png)](javascript:alert(1))',
    '[x]: javascript:alert(1)\n\n[x] [x][x]',
    '<javascript:alert(1)>',
    '<a href="javascript:alert(1)">x</a>',
    '<svg/onload=alert(1)>',
    '<!-- --><!DOCTYPE x><?php ?><![CDATA[x]]>',
    '~~~" onmouseover="alert(1)\nx\n~~~',
    '# x {onclick=alert(1)}',
    '99999999. x',
    '|<img src=x onerror=alert(1)>|\n|-|\n|[x](javascript:1)|',
    '__proto__ [x](__proto__) [constructor]: y',
    '\0\uD800\u202E',
  ])('makes nothing but known elements of %j', (source) => {
    const { tags, attributes } = parts(source);
    expect([...tags].filter((tag) => !TAGS.has(tag))).toEqual([]);
    expect([...attributes].filter((attribute) => !ATTRIBUTES.has(attribute))).toEqual([]);
  });

  test.each([
    ['quotations', `${'>'.repeat(50_000)} x`],
    [
      'lists',
      Array.from({ length: 2000 }, (_, i) => `${' '.repeat(2 * i)}- x`)
        .join('\n')
        .slice(0, 200_000),
    ],
    ['brackets', `${'['.repeat(50_000)}x${']'.repeat(50_000)}`],
    ['images', '!['.repeat(50_000)],
    ['emphasis', '*a _b '.repeat(30_000)],
    ['strong emphasis', '**'.repeat(100_000)],
    ['back ticks', Array.from({ length: 600 }, (_, i) => '`'.repeat(i)).join(' ')],
    ['angles', '<'.repeat(100_000)],
    ['references', '[a]: b\n'.repeat(25_000)],
    ['cells', `${'|a'.repeat(1000)}\n${'|-'.repeat(1000)}\n${'|\n'.repeat(5000)}`],
  ])('is not brought down by endless %s', (_, source) => {
    const depth = (node: unknown): number =>
      Array.isArray(node)
        ? Math.max(0, ...node.slice(0, 1000).map(depth))
        : isValidElement(node)
          ? 1 + depth((node as VNode<{ children?: unknown }>).props.children)
          : 0;
    expect(depth(Markdown({ source }))).toBeLessThan(200);
  });
});
