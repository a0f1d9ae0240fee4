/** A piece of a sentence: Hive's own words, or quoted ones. */
export type Piece = { own: string } | { said: string };

type Fields = Readonly<Record<string, unknown>>;

/**
 * The sentence for a message that is an event of Hive; null for every other
 * message, and for an event that this page does not know.
 */
export function toldBy(from: string, body: string): readonly Piece[] | null {
  // Others may write the same JSON: it stays text.
  if (from !== 'system' || !body.startsWith('{')) return null;
  let event: unknown;
  try {
    event = JSON.parse(body);
  } catch {
    return null;
  }
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return null;
  const pieces = sentenceOf(event as Fields);
  return pieces === null ? null : pieces.filter((piece) => ('own' in piece ? piece.own : piece.said) !== '');
}

/** The sentence as one text. */
export const plainly = (pieces: readonly Piece[]): string =>
  pieces.map((piece) => ('own' in piece ? piece.own : piece.said)).join('');

/** An event's JSON, indented; other text stays as it is. */
export function asSent(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}

const own = (text: string): Piece => ({ own: text });
const said = (text: string): Piece => ({ said: text });
const after = (lead: string, text: string): Piece[] => (text === '' ? [] : [own(lead), said(text)]);

function sentenceOf(event: Fields): Piece[] | null {
  const text = (field: string): string => (typeof event[field] === 'string' ? event[field] : '');
  const number = (field: string): string => (typeof event[field] === 'number' ? String(event[field]) : '?');
  const agent = text('agent');
  const note = text('note');
  switch (event.event) {
    case 'question_asked': {
      const options = Array.isArray(event.options) ? event.options.filter((option) => typeof option === 'string') : [];
      const choices =
        options.length === 0 ? [] : after(event.multi === true ? ' · any of: ' : ' · one of: ', options.join(' / '));
      return [own(`${text('asker')} asks (question ${number('id')}): `), said(text('question')), ...choices];
    }
    case 'question_answered': {
      const [answer, answerer] = [text('answer'), text('answerer')];
      const asked = after(' · the question: ', text('question'));
      if (answer === '[expired]') return [own(`Question ${number('id')} expired without an answer`), ...asked];
      if (answer === '[cancelled]')
        return [own(`Question ${number('id')} was cancelled${answerer === '' ? '' : ` by ${answerer}`}`), ...asked];
      return [
        own(`${answerer === '' ? 'somebody' : answerer} answers question ${number('id')}: `),
        said(answer),
        ...asked,
      ];
    }
    case 'approval_resolved': {
      const about = [text('kind'), agent].filter((part) => part !== '').join(', ');
      return [
        own(`Approval ${number('id')}${about === '' ? '' : ` (${about})`}: ${text('status') || 'resolved'}`),
        ...after(' · ', note),
      ];
    }
    case 'spawned':
      return event.ok === false
        ? [own(`${agent} could not be created`), ...after(': ', note)]
        : [own(`${agent} was created`), ...after(' · ', note)];
    case 'rebuilt':
      return event.ok === false
        ? [own(`The rebuild of ${agent} failed`), ...after(': ', note)]
        : [own(`${agent} was rebuilt`), ...after(' · ', note)];
    case 'killed':
      return [own(`${agent} was killed`)];
    case 'destroyed':
      return [own(`${agent} was destroyed`)];
    case 'container_crash':
      return [own(`${agent} crashed`), ...after(': ', note)];
    case 'needs_login':
      return [own(`${agent} needs a login`)];
    case 'logged_in':
      return [own(`${agent} has logged in`)];
    case 'needs_update':
      return [own(`${agent} needs an update: it does not run its applied configuration`)];
    case 'review_requested':
      return [
        said(text('by')),
        own(' asks for a review of '),
        ...pull(text('repository'), number('number'), text('title')),
      ];
    case 'mentioned':
      return [
        said(text('by')),
        own(' mentions you in '),
        ...pull(text('repository'), number('number'), text('title')),
        ...after(' · ', text('text')),
      ];
    case 'thread_post':
      return [
        said(text('from')),
        own(` in thread ${number('thread')} (`),
        said(text('subject')),
        own('): '),
        said(text('text')),
      ];
    case 'handoff_requested':
      return [said(text('by')), own(` offers task ${number('task')} to ${text('to')}`), ...after(': ', text('reason'))];
    case 'handoff_accepted':
    case 'handoff_declined':
    case 'handoff_expired':
    case 'handoff_withdrawn':
      return [
        own(`The handoff of task ${number('task')} to ${text('to')} was ${text('event').slice(8)}`),
        ...after(' · ', text('text')),
      ];
    case 'pull_request_opened':
      return [said(text('by')), own(' opened '), ...pull(text('repository'), number('number'), text('title'))];
    default:
      return null;
  }
}

const pull = (repository: string, number: string, title: string): Piece[] => [
  said(`${repository}#${number}`),
  ...after(': ', title),
];
