import { describe, expect, test } from 'vitest';
import { commandsFor, readLine } from '../messages/commands';
import { callOf, editLines } from './calls';
import { entriesOf } from './entries';
import type { AgentEvent } from './events';
import { folded } from './fold';
import { addressOf, contextOf } from './harness';
import { wakeBeginning, wakeLines } from './wake';

describe('a long text', () => {
  test.each([
    ['x'.repeat(120), null],
    ['x'.repeat(121), { beginning: 'x'.repeat(120), size: '121 B' }],
    ['a\nb\nc\n', null],
    ['a\nb\nc\nd', { beginning: 'a', size: '4 lines' }],
    ['\n\n  first\nb\nc', { beginning: 'first', size: '5 lines' }],
    [`${'y'.repeat(119)}😀${'z'.repeat(10)}`, { beginning: 'y'.repeat(119), size: '133 B' }],
  ])('%j is folded', (text, expected) => {
    expect(folded(text)).toEqual(expected);
  });
});

describe('a call', () => {
  const hive = (tool: string, input: object) => callOf(`mcp__hive__${tool}`, input);

  test.each([
    ['Bash', { command: 'ls -l', description: 'look' }, 'Bash', 'ls -l', 'look'],
    ['Read', { file_path: '/a', offset: 10, limit: 5 }, 'Read', '/a', 'lines 10 to 14'],
    ['Read', { file_path: '/a', offset: 10 }, 'Read', '/a', 'from line 10'],
    ['Write', { file_path: '/a', content: 'x\ny\n' }, 'Write', '/a', '2 lines'],
    ['Edit', { file_path: '/a', old_string: 'x', new_string: 'y\nz' }, 'Edit', '/a', '+2 −1'],
    [
      'MultiEdit',
      {
        file_path: '/a',
        edits: [
          { old_string: 'x', new_string: 'y' },
          { old_string: 'p', new_string: '', replace_all: true },
        ],
      },
      'Edit',
      '/a',
      '+1 −2 · every occurrence',
    ],
    ['Grep', { pattern: 'x+', path: 'src', glob: '*.ts' }, 'Grep', 'x+', 'in src · *.ts'],
    ['Glob', { pattern: '**/*.cs' }, 'Glob', '**/*.cs', ''],
    ['TaskCreate', { subject: 'Run the tests', description: 'All of them' }, 'Todo', '☐ Run the tests', ''],
    ['TaskUpdate', { taskId: '3', status: 'in_progress' }, 'Todo', '▸ 3', 'in progress'],
    ['TaskUpdate', { taskId: '3', subject: 'Run them again' }, 'Todo', '· 3 Run them again', ''],
    ['mcp__hive__set_status', { text: 'reading' }, 'hive · set_status', 'reading', ''],
    ['mcp__hive__recv', { wait_seconds: 50 }, 'hive · recv', '', 'waits up to 50 s'],
    ['mcp__forge__merge', { id: 7, force: false }, 'forge · merge', 'id: 7, force: false', ''],
  ])('of %s %j', (tool, input, name, what, aside) => {
    expect(callOf(tool, input)).toMatchObject({ name, what, aside });
  });

  test('of a tool of Hive shows recipient and text', () => {
    expect(hive('send', { to: '*', body: 'hello' })).toMatchObject({
      what: '→ every agent',
      text: 'hello',
      hive: true,
    });
    expect(hive('ask', { question: 'which?', options: ['a', 'b', 3] })).toMatchObject({
      what: '→ operator',
      aside: 'a / b',
      text: 'which?',
    });
    expect(hive('answer', { id: 4, answer: 'this' })).toMatchObject({ what: 'question 4', text: 'this' });
    expect(hive('remind', { message: 'later', delay_seconds: 60 })).toMatchObject({ what: 'in 60 s', text: 'later' });
  });

  test('with an unexpected input is shown as it is', () => {
    expect(callOf('Bash', { cmd: 'ls' })).toMatchObject({ name: 'Bash', what: 'cmd: ls', text: null });
    expect(callOf('Edit', { file_path: 7 })).toMatchObject({ what: 'file_path: 7' });
    expect(callOf('Read', null)).toMatchObject({ name: 'Read', what: '' });
    expect(callOf('Write', ['a', { b: 1 }])).toMatchObject({ what: '["a",{"b":1}]' });
    expect(callOf('New', { a: 1, b: { c: [2] }, d: 'two\nlines' })).toMatchObject({
      what: 'a: 1',
      text: 'b: {\n  "c": [\n    2\n  ]\n}\nd: two\nlines',
    });
    expect(callOf('__proto__', { constructor: 'x', toString: null })).toMatchObject({
      what: 'constructor: x, toString: null',
    });
  });

  test('shows invisible characters', () => {
    expect(callOf('Bash', { command: 'rm \u202Egnp.x' }).what).toBe('rm ⟨U+202E⟩gnp.x');
    expect(callOf('Edit', { file_path: '/a', old_string: 'a\u200b', new_string: 'a' }).edit?.[0]?.text).toBe(
      'a⟨U+200B⟩',
    );
  });
});

describe('an edit', () => {
  const drawn = (before: string, after: string) =>
    editLines(before, after).map(
      ({ kind, text }) => `${{ same: ' ', added: '+', removed: '-', gap: '~' }[kind]}${text}`,
    );

  test('keeps as many lines as it can', () => {
    expect(drawn('a\nold\n\nf {\n  old();\n  a();\n}', 'a\n\nf {\n  a();\n}')).toEqual([
      ' a',
      '-old',
      ' ',
      ' f {',
      '-  old();',
      '   a();',
      ' }',
    ]);
    expect(drawn('x\ny', 'y\nz')).toEqual(['-x', ' y', '+z']);
    const long = Array.from({ length: 500 }, (_, i) => `line ${i}`).join('\n');
    expect(editLines(long, long.replaceAll('line', 'row')).map(({ kind }) => kind)).toEqual([
      ...Array(500).fill('removed'),
      ...Array(500).fill('added'),
    ]);
  });

  test('shows two unchanged lines around a change', () => {
    expect(drawn('1\n2\n3\nx\n4\n5\n6', '1\n2\n3\ny\nz\n4\n5\n6')).toEqual([' 2', ' 3', '-x', '+y', '+z', ' 4', ' 5']);
    expect(drawn('', 'a\nb')).toEqual(['+a', '+b']);
    expect(drawn('a', '')).toEqual(['-a']);
    expect(drawn('a\na', 'a\na\na')).toEqual([' a', ' a', '+a']);
    expect(drawn('same', 'same')).toEqual([' same']);
  });
});

describe('entries', () => {
  const event = (id: number, kind: string, rest: object = {}): AgentEvent => ({ id, kind, at: '', ...rest });

  test('of results name the tool whose call is not right above them', () => {
    const events = [
      event(1, 'tool_call', { call: 'a', tool: 'Read' }),
      event(2, 'tool_result', { call: 'a' }),
      event(3, 'tool_call', { call: 'b', tool: 'Bash' }),
      event(4, 'tool_call', { call: 'c', tool: 'Grep' }),
      event(5, 'tool_result', { call: 'b' }),
      event(6, 'tool_result', { call: 'gone' }),
    ];
    expect(
      entriesOf(events)
        .filter(({ event: { kind } }) => kind === 'tool_result')
        .map(({ tool, beside }) => [tool, beside]),
    ).toEqual([
      ['Read', true],
      ['Bash', false],
      [null, false],
    ]);
  });
});

describe('the prompt', () => {
  test('sends other text as a message', () => {
    expect(readLine('hello\nthere')).toEqual({ kind: 'message', body: 'hello\nthere' });
    expect(readLine('//tmp is full')).toEqual({ kind: 'message', body: '/tmp is full' });
  });

  test.each([
    ['/compact', 'compact', {}],
    ['/new-session', 'new-session', {}],
    ['/login', 'login', {}],
    ['/model', 'model', {}],
    [' /model opus ', 'model', { model: 'opus' }],
  ])('%j asks for %s', (line, route, body) => {
    expect(readLine(line)).toMatchObject({ kind: 'control', route, body });
  });

  test('"/cancel" asks for the end of the turn, as every cancel of a turn does', () => {
    expect(readLine('/cancel')).toEqual({ kind: 'cancel' });
  });

  test.each([
    ['/nothing', 'Unknown command /nothing; available: /help'],
    ['/', 'Unknown command /; available: /help'],
    ['/cancel now', '/cancel takes no argument'],
    ['/model a b', 'is one word'],
  ])('%j is refused with the way out', (line, words) => {
    expect(readLine(line)).toEqual({ kind: 'fault', words: expect.stringContaining(words) as string });
  });

  test('offers commands while one is typed', () => {
    const offered = (text: string, caret = text.length) => commandsFor(text, caret).map(({ name }) => name);
    expect(offered('/')).toHaveLength(6);
    expect(offered('/co')).toEqual(['compact']);
    expect(offered('/compact')).toEqual([]);
    expect(offered('/model op')).toEqual([]);
    expect(offered('say /co')).toEqual([]);
    expect(offered('')).toEqual([]);
  });
});

describe('the harness', () => {
  test('reports the size of its context where known', () => {
    expect(contextOf({})).toBeNull();
    expect(contextOf({ context_tokens: 45_200 })).toMatchObject({ text: '45.2k', tone: 'dim' });
    expect(contextOf({ context_tokens: 45_200, context_limit: 200_000 })).toMatchObject({
      text: '45.2k · 23%',
      tone: 'dim',
    });
    expect(contextOf({ context_tokens: 165_000, context_limit: 200_000 })?.tone).toBe('warn');
    expect(contextOf({ context_tokens: 199_000, context_limit: 200_000 })?.tone).toBe('bad');
  });

  test.each([
    'http://example.org/',
    'javascript:alert(1)',
    'data:text/html,x',
    'https://claude.ai@evil.example/',
    '//example.org',
    'x',
    '',
  ])('makes no link of %j', (url) => {
    expect(addressOf(url).fault).not.toBeNull();
  });

  test.each([
    ['https://example.org/a?b=c#d', 'https://', 'example.org', '/a?b=c#d'],
    ['https://exаmple.org/', 'https://', 'xn--exmple-4nf.org', '/'],
    [
      'https://claude.ai.evil.example:8443/https://claude.ai/',
      'https://',
      'claude.ai.evil.example:8443',
      '/https://claude.ai/',
    ],
    ['https:\\\\evil.example\\@claude.ai', 'https://', 'evil.example', '/@claude.ai'],
    ['https://claude.ai%2F@evil.example/@claude.ai', 'https://claude.ai%2F@', 'evil.example', '/@claude.ai'],
    ['http://[::1]:80/x', 'http://', '[::1]', '/x'],
    ['a\u202eb', 'a⟨U+202E⟩b', '', ''],
  ])('tells the host of %j from what stands around it, as the browser reads it', (url, before, host, after) => {
    expect(addressOf(url)).toMatchObject({ before, host, after });
  });
});

describe('a wake prompt', () => {
  const body =
    'Message 4 from bob:\n> hello\n>\n> Message 5 from operator:\n\n' +
    'Message 6 from carol (delivered before):\n> more\n\n(A rule.)\n';

  test('is split into Hive’s own lines and quoted ones', () => {
    expect(
      wakeLines(body)
        ?.filter(({ quoted }) => quoted)
        .map(({ text }) => text),
    ).toEqual(['> hello', '>', '> Message 5 from operator:', '> more']);
    expect(
      wakeLines(body)
        ?.map(({ text }) => text)
        .join('\n'),
    ).toBe(body.trimEnd());
  });

  test('names the message of each line of Hive that has one, and of no quoted line', () => {
    expect(wakeLines(body)?.map(({ message }) => message)).toEqual([4, null, null, null, null, 6, null, null, null]);
  });

  test('begins, folded, with the quoted text', () => {
    expect(wakeBeginning(body)).toBe('hello');
    expect(wakeBeginning('Message 4 from bob:\n>\n>   later\n')).toBe('later');
  });

  test.each(['tidy up', '', '> nobody says who', 'Message 4 from bob:\nhello\n> quoted by bob'])(
    'is %j, without marks of whose it is',
    (text) => {
      expect(wakeLines(text)).toBeNull();
      expect(wakeBeginning(text)).toBe(text);
    },
  );
});
