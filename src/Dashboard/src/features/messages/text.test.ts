import { expect, test } from 'vitest';
import { asSent } from './text';

test.each([
  ['{"event":"spawned","name":"carol"}', '{\n  "event": "spawned",\n  "name": "carol"\n}'],
  ['{"event":"spawned",', '{"event":"spawned",'],
  ['', ''],
])('the event %s is shown indented where it is JSON, else as it is', (sent, shown) => {
  expect(asSent(sent)).toBe(shown);
});
