import { expect, test } from 'vitest';
import { argumentsOf } from './arguments';

test.each([
  ['my-agent --once', ['my-agent', '--once']],
  ['  sh -c "echo a  b" ', ['sh', '-c', 'echo a  b']],
  [`say 'it is "so"' --to="alice b"`, ['say', 'it is "so"', '--to=alice b']],
  [String.raw`a\ b "c\"d" "e\f" 'g\h' ""`, ['a b', 'c"d', String.raw`e\f`, String.raw`g\h`, '']],
  ['', []],
  ['sh -c "echo', null],
])('the arguments of %s are %o', (line, found) => {
  expect(argumentsOf(line)).toEqual(found);
});
