// biome-ignore-all lint/suspicious/noControlCharactersInRegex: this module removes control characters.
// A colour or a movement of the cursor (CSI), a title or a link (OSC), or a shorter sequence.
const SEQUENCE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])/g;
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** A terminal line as text: without escape sequences; of an overwritten line, the last state. */
export function plainLine(line: string): string {
  if (!/[\u0000-\u001f\u007f]/.test(line)) return line;
  const parts = line.replace(SEQUENCE, '').split('\r');
  return (parts.findLast((part) => part !== '') ?? '').replace(CONTROL, '');
}
