// Not from 'diff': its main module brings the comparison of words and sentences too.
import { diffArrays } from 'diff/lib/diff/array.js';
import { visible } from '../../ui/text/visible';

/** A line of an edit. */
export interface EditLine {
  kind: 'same' | 'added' | 'removed' | 'gap';
  text: string;
}

/** A tool call as it is shown. All of its text was written by an agent. */
export interface Call {
  /** The readable name of the tool. */
  name: string;
  /** The subject of the call: a command, a path, a recipient. */
  what: string;
  /** A short remark beside the subject. */
  aside: string;
  /** The content below: a text, or an edit. */
  text: string | null;
  edit: readonly EditLine[] | null;
  /** Whether the tool is Hive's own. */
  hive: boolean;
}

type Input = Readonly<Record<string, unknown>>;

/** The mark of a step in the agent's list, by its status. */
const MARKS: Readonly<Record<string, string>> = { completed: '☑', in_progress: '▸', pending: '☐', deleted: '✗' };

/** The display of a call, by its tool. An unexpected input is shown as it is. */
export function callOf(tool: string, input: unknown): Call {
  const fields = isObject(input) ? input : {};
  const hive = tool.startsWith('mcp__hive__');
  const shown = hive ? hiveCall(tool.slice('mcp__hive__'.length), fields) : ownCall(tool, fields);
  const { name, what = '', aside = '', text = null, edit = null } = shown ?? generic(tool, input);
  return {
    name: visible(name),
    what: visible(what),
    aside: visible(aside),
    text: text === null ? null : visible(text),
    edit: edit?.map((line) => ({ ...line, text: visible(line.text) })) ?? null,
    hive,
  };
}

type Shown = { name: string } & Partial<Pick<Call, 'what' | 'aside' | 'text' | 'edit'>>;

function ownCall(tool: string, input: Input): Shown | null {
  switch (tool) {
    case 'Bash': {
      const command = text(input, 'command');
      return command === null
        ? null
        : {
            name: 'Bash',
            what: command,
            aside: [text(input, 'description'), input.run_in_background === true ? 'in the background' : null]
              .filter(isText)
              .join(' · '),
          };
    }
    case 'Read': {
      const path = text(input, 'file_path');
      const [offset, limit] = [number(input, 'offset'), number(input, 'limit')];
      const part =
        limit !== null
          ? `lines ${offset ?? 1} to ${(offset ?? 1) + limit - 1}`
          : offset !== null
            ? `from line ${offset}`
            : '';
      return path === null ? null : { name: 'Read', what: path, aside: part };
    }
    case 'Write': {
      const [path, content] = [text(input, 'file_path'), text(input, 'content')];
      return path === null || content === null
        ? null
        : { name: 'Write', what: path, aside: lines(content), text: content };
    }
    case 'Edit':
    case 'MultiEdit': {
      const path = text(input, 'file_path');
      const edits = tool === 'Edit' ? [input] : Array.isArray(input.edits) ? input.edits.filter(isObject) : [];
      const parts = edits.map((edit) => editLines(text(edit, 'old_string') ?? '', text(edit, 'new_string') ?? ''));
      if (path === null || parts.length === 0) return null;
      const all = parts.flatMap((part, i): EditLine[] => (i === 0 ? part : [{ kind: 'gap', text: '⋯' }, ...part]));
      const count = (kind: EditLine['kind']) => all.filter((line) => line.kind === kind).length;
      return {
        name: 'Edit',
        what: path,
        aside: [
          `+${count('added')} −${count('removed')}`,
          edits.some((edit) => edit.replace_all === true) ? 'every occurrence' : '',
        ]
          .filter(isText)
          .join(' · '),
        edit: all,
      };
    }
    case 'Grep':
    case 'Glob': {
      const pattern = text(input, 'pattern');
      const where = [text(input, 'path'), text(input, 'glob') ?? text(input, 'type')].filter(isText);
      return pattern === null
        ? null
        : { name: tool, what: pattern, aside: where.length > 0 ? `in ${where.join(' · ')}` : '' };
    }
    case 'Task':
    case 'Agent': {
      const prompt = text(input, 'prompt');
      return prompt === null
        ? null
        : {
            name: tool,
            what: text(input, 'description') ?? '',
            aside: text(input, 'subagent_type') ?? '',
            text: prompt,
          };
    }
    case 'TaskCreate': {
      const [subject, description] = [text(input, 'subject'), text(input, 'description')];
      return subject === null
        ? null
        : { name: 'Todo', what: `☐ ${subject}`, text: description === subject ? null : description };
    }
    case 'TaskUpdate': {
      const [id, status] = [text(input, 'taskId'), text(input, 'status')];
      const words = [`${MARKS[status ?? ''] ?? '·'} ${id}`, text(input, 'subject')].filter(isText).join(' ');
      return id === null ? null : { name: 'Todo', what: words, aside: status?.replace('_', ' ') ?? '' };
    }
    // Of older versions.
    case 'TodoWrite': {
      const todos = Array.isArray(input.todos) ? input.todos.filter(isObject) : [];
      return todos.length === 0
        ? null
        : {
            name: 'Todo',
            what: '',
            aside: '',
            text: todos
              .map((todo) => `${MARKS[text(todo, 'status') ?? ''] ?? '☐'} ${text(todo, 'content') ?? ''}`)
              .join('\n'),
          };
    }
    case 'WebFetch':
    case 'WebSearch': {
      const what = text(input, 'url') ?? text(input, 'query');
      return what === null ? null : { name: tool, what, aside: text(input, 'prompt') ?? '' };
    }
    default:
      return null;
  }
}

function hiveCall(tool: string, input: Input): Shown | null {
  const name = `hive · ${tool}`;
  switch (tool) {
    case 'send': {
      const [to, body] = [text(input, 'to'), text(input, 'body')];
      return to === null || body === null ? null : { name, what: `→ ${to === '*' ? 'every agent' : to}`, text: body };
    }
    case 'ask': {
      const question = text(input, 'question');
      const options = Array.isArray(input.options) ? input.options.filter((option) => typeof option === 'string') : [];
      return question === null
        ? null
        : { name, what: `→ ${text(input, 'to') ?? 'operator'}`, aside: options.join(' / '), text: question };
    }
    case 'answer': {
      const answer = text(input, 'answer');
      return answer === null ? null : { name, what: `question ${String(input.id)}`, text: answer };
    }
    case 'remind': {
      const message = text(input, 'message');
      const delay = number(input, 'delay_seconds');
      return message === null
        ? null
        : { name, what: delay !== null ? `in ${delay} s` : `at ${text(input, 'at') ?? '?'}`, text: message };
    }
    case 'set_status': {
      const status = text(input, 'text');
      return status === null ? null : { name, what: status };
    }
    case 'recv': {
      const wait = number(input, 'wait_seconds');
      return { name, what: '', aside: wait === null ? '' : `waits up to ${wait} s` };
    }
    case 'request_spawn': {
      const agent = text(input, 'name');
      return agent === null ? null : { name, what: agent, text: text(input, 'description') };
    }
    case 'request_apply_commit': {
      const [agent, commit] = [text(input, 'agent'), text(input, 'commit_ref')];
      return agent === null || commit === null
        ? null
        : { name, what: `${commit} for ${agent}`, text: text(input, 'description') };
    }
    default:
      return null;
  }
}

/** An unknown tool: its short fields in one line, and the rest below. */
function generic(tool: string, input: unknown): Shown {
  const [, server, own] = /^mcp__(.+?)__(.+)$/.exec(tool) ?? [];
  const name = server !== undefined && own !== undefined ? `${server} · ${own}` : tool;
  if (!isObject(input))
    return { name, what: input == null ? '' : typeof input === 'string' ? input : JSON.stringify(input) };
  const entries = Object.entries(input);
  const short = entries.filter(
    ([, value]) =>
      value === null || (typeof value !== 'object' && String(value).length <= 80 && !String(value).includes('\n')),
  );
  const long = entries.filter((entry) => !short.includes(entry));
  return {
    name,
    what: short.map(([key, value]) => `${key}: ${String(value)}`).join(', '),
    text:
      long.length === 0
        ? null
        : long
            .map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value, null, 2)}`)
            .join('\n'),
  };
}

/** How many unchanged lines are shown on each side of a change. */
const AROUND = 2;
/** With more changed lines than this, all lines are shown as removed and added: comparing them takes too long. */
const MOST_CHANGED = 800;

/** The difference of two texts, line by line: lines that stay, are removed and are added. */
export function editLines(before: string, after: string): EditLine[] {
  const linesIn = (text: string) => (text === '' ? [] : text.split('\n'));
  const [old, now] = [linesIn(before), linesIn(after)];
  const changes = diffArrays(old, now, { maxEditLength: MOST_CHANGED }) ?? [
    { value: old, removed: true, added: false },
    { value: now, removed: false, added: true },
  ];
  const lines = changes.flatMap(({ value, removed, added }) =>
    value.map((text): EditLine => ({ kind: removed ? 'removed' : added ? 'added' : 'same', text })),
  );
  const first = lines.findIndex(({ kind }) => kind !== 'same');
  if (first < 0) return lines.slice(-AROUND);
  const last = lines.findLastIndex(({ kind }) => kind !== 'same');
  return lines.slice(Math.max(0, first - AROUND), last + 1 + AROUND);
}

const isObject = (value: unknown): value is Input =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: string | null | undefined): value is string => value != null && value !== '';
const text = (input: Input, field: string): string | null => (typeof input[field] === 'string' ? input[field] : null);
const number = (input: Input, field: string): number | null => (typeof input[field] === 'number' ? input[field] : null);
const lines = (content: string): string => {
  const count = content === '' ? 0 : content.replace(/\n$/, '').split('\n').length;
  return count === 1 ? '1 line' : `${count} lines`;
};
