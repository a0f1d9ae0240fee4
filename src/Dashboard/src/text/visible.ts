// Control characters, and those that are not seen or turn what follows around: a text can look like another one by them.
const UNSEEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** A text with everything in it that would not be seen as it is. */
export const visible = (text: string): string => text.replace(/\r/g, '␍').replace(UNSEEN, (c) => `⟨U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`);
