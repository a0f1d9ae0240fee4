import { api } from '../../api/client';

export interface Command {
  name: string;
  /** The argument, if the command takes one. */
  takes: string;
  plain: string;
}

/** The commands for an agent's harness. */
export const COMMANDS: readonly Command[] = [
  { name: 'help', takes: '', plain: 'list the commands' },
  { name: 'cancel', takes: '', plain: 'cancel the turn that runs; its messages are parked' },
  { name: 'compact', takes: '', plain: 'compact the conversation between turns' },
  { name: 'model', takes: '[NAME]', plain: 'use this model from the next turn; without a name, the configured one' },
  { name: 'new-session', takes: '', plain: 'start the next turn without the old conversation' },
  { name: 'login', takes: '', plain: 'start the login of its tool' },
];

export type Control = 'compact' | 'login' | 'model' | 'new-session';

/** A route of an agent's harness, its body, and the text that confirms it. */
export interface HarnessControl {
  route: Control;
  body: { model?: string };
  done: string;
}

/** Asks the harness of an agent for something. */
export function control(name: string, { route, body }: HarnessControl): Promise<unknown> {
  const params = { path: { name } };
  switch (route) {
    case 'compact':
      return api.POST('/api/agents/{name}/compact', { params });
    case 'login':
      return api.POST('/api/agents/{name}/login', { params });
    case 'model':
      return api.POST('/api/agents/{name}/model', { params, body });
    case 'new-session':
      return api.POST('/api/agents/{name}/new-session', { params });
  }
}

export type Line =
  | { kind: 'message'; body: string }
  | { kind: 'help' }
  | { kind: 'cancel' }
  | ({ kind: 'control' } & HarnessControl)
  | { kind: 'fault'; words: string };

/** Parses a line of the prompt. Two slashes at the start are one slash of a message; a path is not a command. */
export function readLine(line: string): Line {
  const text = line.trim();
  if (!text.startsWith('/') || /^\/\S*\//.test(text))
    return { kind: 'message', body: text.startsWith('//') ? line.replace('//', '/') : line };
  const [, name = '', rest = ''] = /^\/(\S*)\s*([\s\S]*)$/.exec(text) ?? [];
  const command = COMMANDS.find((known) => known.name === name);
  if (command === undefined)
    return {
      kind: 'fault',
      words:
        `Unknown command /${name}; available: ${COMMANDS.map((known) => `/${known.name}`).join(', ')}. To ` +
        'send a text that begins with a slash, write two.',
    };
  if (rest !== '' && command.takes === '')
    return { kind: 'fault', words: `/${name} takes no argument. To send a text that begins with a slash, write two.` };
  switch (name) {
    case 'help':
      return { kind: 'help' };
    case 'cancel':
      return { kind: 'cancel' };
    case 'compact':
      return {
        kind: 'control',
        route: 'compact',
        body: {},
        done: 'The conversation is compacted before the next turn.',
      };
    case 'new-session':
      return {
        kind: 'control',
        route: 'new-session',
        body: {},
        done: 'The next turn starts without the old conversation.',
      };
    case 'login':
      return { kind: 'control', route: 'login', body: {}, done: 'The login starts; its output shows above.' };
    default:
      if (/\s/.test(rest))
        return {
          kind: 'fault',
          words: 'The name of a model is one word: /model NAME, or /model alone for the configured one.',
        };
      return {
        kind: 'control',
        route: 'model',
        body: rest === '' ? {} : { model: rest },
        done: rest === '' ? 'The configured model is used from the next turn.' : `${rest} is used from the next turn.`,
      };
  }
}

/** The commands that match while the caret is in the command's name; empty for other text. */
export function commandsFor(text: string, caret: number): readonly Command[] {
  const typed = /^\s*\/([a-z-]*)$/.exec(text.slice(0, caret))?.[1];
  return typed === undefined || /^\s*\S*\s+\S/.test(text)
    ? []
    : COMMANDS.filter(({ name }) => name.startsWith(typed) && (name !== typed || text.slice(caret) !== ''));
}
