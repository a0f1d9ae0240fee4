import { answerOf, api, WITH_ANSWER } from '../api/client';
import { beginning } from './text/beginning';

/** How much of the text stands in the message that names its file: few enough lines that no place folds the path. */
const SHOWN_LINES = 5;
const SHOWN_CHARS = 400;

/** Puts a text into a file in the shared folder; the answer is a message that begins like it and names the file. */
export async function asFile(text: string, reader: string): Promise<string> {
  const { path } = await answerOf(api.POST('/api/shared-files', { body: { text, to: reader }, headers: WITH_ANSWER }));
  const first = text.trim().split('\n').slice(0, SHOWN_LINES).join('\n');
  return `${beginning(first, SHOWN_CHARS)} …\n\nFile: ${path}`;
}
