import MarkdownIt from 'markdown-it';
import { type ComponentChild, Fragment, h } from 'preact';

const parser = new MarkdownIt({ html: false, linkify: false, typographer: false, maxNesting: 40 });

type Token = ReturnType<typeof parser.parse>[number];

/**
 * Markdown as elements of this page. Only the tokens of the tables below become elements, and of an author's attributes
 * only the number of a list's first item is kept. A link is its text and its target in words, an image its description:
 * nothing here leads or loads anywhere.
 */
export function Markdown({ source }: { source: string }) {
  return <>{nodesOf(parser.parse(source, {}))}</>;
}

const HEADINGS: Record<string, string> = { h1: 'h3', h2: 'h4', h3: 'h5', h4: 'h6', h5: 'h6', h6: 'h6' };

const TAGS: Record<string, string> = {
  paragraph: 'p',
  blockquote: 'blockquote',
  bullet_list: 'ul',
  list_item: 'li',
  thead: 'thead',
  tbody: 'tbody',
  tr: 'tr',
  th: 'th',
  td: 'td',
  em: 'em',
  strong: 'strong',
  s: 's',
};

interface Open {
  token: Token | null;
  children: ComponentChild[];
}

function nodesOf(tokens: readonly Token[]): ComponentChild[] {
  const stack: Open[] = [{ token: null, children: [] }];
  const put = (child: ComponentChild) => stack.at(-1)?.children.push(child);
  for (const token of tokens) {
    if (token.nesting === 1) stack.push({ token, children: [] });
    else if (token.nesting === 0) put(leaf(token));
    else {
      const closed = stack.length > 1 ? stack.pop() : undefined;
      if (closed?.token != null) put(element(closed.token, closed.children));
    }
  }
  // Unclosed elements keep their text.
  return stack.flatMap(({ children }) => children);
}

function element(token: Token, children: ComponentChild[]): ComponentChild {
  const name = token.type.replace(/_open$/, '');
  if (name === 'paragraph' && token.hidden) return h(Fragment, null, children);
  if (name === 'heading') return h(HEADINGS[token.tag] ?? 'h6', { class: `md-${token.tag}` }, children);
  if (name === 'link') return link(token, children);
  if (name === 'table')
    return (
      <div class="md-wide" tabIndex={0} role="group" aria-label="Table">
        <table>{children}</table>
      </div>
    );
  if (name === 'ordered_list') return <ol start={Number(token.attrGet('start') ?? 1)}>{children}</ol>;
  const tag = TAGS[name];
  return tag === undefined ? h(Fragment, null, children) : h(tag, null, children);
}

const described = (parts: readonly (string | number | null)[]): string =>
  parts.filter((part) => part != null && part !== '').join(', ');

function leaf(token: Token): ComponentChild {
  switch (token.type) {
    case 'inline':
      return h(Fragment, null, nodesOf(token.children ?? []));
    case 'softbreak':
      return '\n';
    case 'hardbreak':
      return <br />;
    case 'hr':
      return <hr />;
    case 'code_inline':
      return <code>{token.content}</code>;
    case 'fence':
    case 'code_block':
      return (
        <pre class="md-wide" tabIndex={0}>
          <code>{token.content}</code>
        </pre>
      );
    case 'image':
      return <span class="dim">{`[image: ${described([token.content, token.attrGet('src')])}]`}</span>;
    default:
      return token.content;
  }
}

function link(token: Token, children: ComponentChild[]): ComponentChild {
  const href = token.attrGet('href') ?? '';
  const itself = children.length === 1 && children[0] === href;
  return (
    <span class="md-link">
      {children}
      {itself || href === '' ? null : (
        <span class="dim">
          {' '}
          (<bdi>{href}</bdi>)
        </span>
      )}
    </span>
  );
}
