// Control characters, and those that are invisible or change the direction of text: they can make a text look like
// another one.
const UNSEEN = new RegExp(
  [
    // Controls but tab, line feed and carriage return.
    String.raw`[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f`,
    // Soft hyphen, joiners, fillers, marks of other scripts.
    String.raw`\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0`,
    // Zero widths, directions and isolates, separators of lines.
    String.raw`\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb`,
    // Tags and supplementary selectors.
    String.raw`\u{e0000}-\u{e0fff}]`,
  ].join(''),
  'gu',
);
/** The joiner between two emoji is visible: it makes one emoji of them. */
const JOINER = /(?<=\p{Extended_Pictographic}[\ufe0f\u{1f3fb}-\u{1f3ff}]?)\u200d(?=\p{Extended_Pictographic})/uy;

/** A text with its invisible characters written out. Windows line ends are kept. */
export const visible = (text: string): string =>
  text
    .replace(/\r\n/g, '\n')
    .replace(/\r/g, '␍')
    .replace(UNSEEN, (c, at: number, whole: string) => {
      JOINER.lastIndex = at;
      if (c === '\u200d' && JOINER.test(whole)) return c;
      return `⟨U+${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
    });
