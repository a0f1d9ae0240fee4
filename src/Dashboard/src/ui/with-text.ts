import { type Action, perform } from './action';
import { drafts } from './draft';
import type { WithText } from './registry';
import { AS_FILE, BODY_BYTES, bodyFault } from './text/bytes';

/** The body that is sent for a text. */
export const bodyOfText = (one: WithText, text: string): string => one.bodyOf?.(text) ?? text;

/** The reason why a text, or the file that is made of it, cannot be sent. */
export function faultOfText(one: WithText, text: string, asFile: boolean): string | null {
  const own = one.faultOf?.(text) ?? null;
  if (own !== null) return own;
  const body = bodyOfText(one, text);
  return one.optional === true && body.trim() === '' ? null : bodyFault(body, one.what, AS_FILE, asFile);
}

/** Sends the body of a text that is written in a box. */
export function sendText(
  one: WithText,
  body: string,
  text: string,
  act: (action: Action) => Promise<boolean>,
): Promise<boolean> {
  const action = one.action(body.trim(), text);
  return action.hold === true ? holdText(one.target, text, action, act) : act(action);
}

/**
 * Does an action with a text that the page may hold. In the hold the text is not a draft, so that it does not go along
 * with the next action; it is one again where the action is taken back, refused or never sent. <again>: the text that
 * is written again.
 */
export async function holdText(
  target: string,
  text: string,
  action: Action,
  act: (action: Action) => Promise<boolean> = perform,
  again = text,
): Promise<boolean> {
  const writeAgain = () => {
    if (again === '') return;
    const now = drafts.of(target);
    drafts.keep(target, now === '' || now === again ? again : `${again}\n${now}`);
  };
  drafts.keep(target, '');
  // The page may be left in the hold, and the request fail then.
  if (text.length <= BODY_BYTES) drafts.remember(text);
  const done = await act({ ...action, left: writeAgain });
  // A page that came back from the browser's cache has written it again.
  if (done && drafts.of(target) === again) drafts.keep(target, '');
  if (!done) writeAgain();
  return done;
}
